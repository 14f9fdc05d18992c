"""`python -m services.catalog` brings the catalog's tables to this version, and ends.

`python -m services.catalog key TITLE` makes a key of the public API besides: the first one, with which `vidx keys`
makes the others.
"""

import argparse
import sys

from services.catalog.database import Database
from services.catalog.keys import Keys, Wanted
from services.catalog.settings import CatalogSettings
from services.core.access import Scope
from services.core.errors import VidxError
from services.runtime.settings import read


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.catalog", description=__doc__)
    key = parser.add_subparsers(dest="what").add_parser("key", help="print a new key, once, on standard output")
    key.add_argument("title", help="whose it is")
    key.add_argument("--scope", choices=[s.name.lower() for s in Scope], default="admin", help="default: admin")
    key.add_argument("--collection", action="append", dest="collections", metavar="C", help="only this one; repeatable")
    chosen = parser.parse_args()
    database = Database(read(CatalogSettings))
    try:
        database.migrate()
        if chosen.what == "key":
            print(Keys(database).create(Wanted(chosen.title, Scope[chosen.scope.upper()], chosen.collections))[1])
    except VidxError as error:
        sys.exit(error.message)
    finally:
        database.close()


if __name__ == "__main__":
    main()
