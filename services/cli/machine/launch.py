"""`python -m services.cli.machine.launch NAME`: becomes the program of that name in the folder it is started in.

The supervisor's configuration format cannot carry every path and value; a JSON file can.
"""

import json
import os
import sys

FILE = "programs.json"


def main() -> None:
    with open(FILE) as file:
        program = json.load(file)[sys.argv[1]]
    # What the platform keeps is other people's: on this machine it is for its owner alone.
    os.umask(0o077)
    os.execvpe(program["argv"][0], program["argv"], {**os.environ, **program["env"]})


if __name__ == "__main__":
    main()
