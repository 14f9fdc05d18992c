"""`python -m services.catalog` brings the catalog's tables to this version, and ends."""

from services.catalog.database import Database
from services.catalog.settings import CatalogSettings
from services.runtime.settings import read


def main() -> None:
    database = Database(read(CatalogSettings))
    database.migrate()
    database.close()


if __name__ == "__main__":
    main()
