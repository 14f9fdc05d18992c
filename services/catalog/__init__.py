"""The catalog: what videos there are and how far each has come. The truth about states, in SQL.

The gateway and the pipeline share it; stages never see it. SQLite on one machine, PostgreSQL on a cluster, with the
same models and migrations.
"""
