"""milvus-lite for one machine, reading quickly: the same server, files and answers, with other reads.

The engine of milvus-lite 3.2.2 keeps rows in immutable segments and a table of the latest writes, and each of its
searches walks over every row in Python to find out which versions count: 1 ms a thousand rows, 6 ms for full text. Here
that is kept from one search to the next (`versions`), as are the rows that pass a filter; vectors are compared by the
index or at once, words are scored on arrays, and only the fields that were asked for are read (`reads`). Reads do not
wait for writes, which take turns (`server`).
"""
