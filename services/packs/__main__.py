"""`python -m services.packs PACK.toml --out DIR` builds a model pack and prints its manifest."""

import argparse
import sys
from pathlib import Path

from services.core import errors
from services.packs.build import build, point


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--backend", choices=["python", "onnxruntime"], default="python")
    parser.add_argument("--link", metavar="NAME", help="make DIR/NAME a link to it")
    args = parser.parse_args()
    try:
        made = build(args.pack, args.out, backend=args.backend, progress=lambda line: print(line, file=sys.stderr))
        if args.link:
            point(args.out, args.link, made)
    except errors.VidxError as error:
        print(f"{error.reason}: {error}", file=sys.stderr)
        return 1
    print(made.model_dump_json(indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
