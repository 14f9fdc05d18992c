"""The `vidx` command: a client of the gateway in, answers out; and the platform of one machine under `vidx up`.

`commands` holds one module a family of commands, imported only when used; `machine` runs the parts and the services
under one supervisor. All other modules are what the commands share.
"""
