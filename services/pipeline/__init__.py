"""The pipeline: the only package that knows the order of stages, retries, and what READY means.

A video's jobs are rows of the catalog. Workers report; each report moves rows on and sends what became possible. The
reconciler looks at the rows alone, so a lost broker or a killed worker only costs time.
"""
