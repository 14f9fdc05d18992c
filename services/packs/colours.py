"""The colours of a picture as a vector of the joint space: a classifier of things leaves them out, captions do not."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from services.core import errors

_CELL = 8  # Pixels: colours are averaged over cells of the canvas of this side.
_SPREAD = 12.0  # CIELAB units: how near a colour must be to count as its prototype's.
_CHROMA = 1.6  # Hue tells colours apart better than light, which shadows change.

# sRGB (linear light) to CIE XYZ, each row divided by the white point D65.
_XYZ = torch.tensor([[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0177, 0.1095, 0.8728]])


@dataclass(frozen=True)
class Palette:
    """`prototypes` (prototypes, 3) sRGB in [0, 1]; prototype i is of colour `owner[i]`, spoken of by `sentences`."""

    prototypes: Tensor
    owner: Tensor
    sentences: list[list[str]]


def parse(lines: list[list[str]]) -> Palette:
    """The palette of lines `name | #rrggbb #rrggbb | sentence | ...`, as `sentences.load` reads them."""
    prototypes, owner, spoken = [], [], []
    for index, (name, codes, *said) in enumerate(lines):
        if not said:
            raise errors.InvalidInput(f"the colour {name} has no sentence")
        try:
            prototypes += [[byte / 255 for byte in bytes.fromhex(code.removeprefix("#"))] for code in codes.split()]
        except ValueError as error:
            raise errors.InvalidInput(f"the colour {name} is not written as #rrggbb: {codes}") from error
        owner += [index] * len(codes.split())
        spoken.append(said)
    return Palette(torch.tensor(prototypes), torch.tensor(owner), spoken)


class Tint(nn.Module):
    """(batch, height, width, 3) uint8 RGB to (batch, dimension) unit vectors of the colours seen.

    `vectors` (colours, dimension) are mixed by the square root of each colour's share of the canvas, so that a small
    red thing still counts beside a large lawn.
    """

    prototypes: Tensor
    members: Tensor
    vectors: Tensor

    def __init__(self, palette: Palette, vectors: object) -> None:
        super().__init__()
        members = F.one_hot(palette.owner, len(palette.sentences)).to(torch.float32)
        self.register_buffer("prototypes", _lab(palette.prototypes))
        self.register_buffer("members", members)
        self.register_buffer("vectors", torch.as_tensor(vectors))

    def forward(self, image: Tensor) -> Tensor:
        cells = F.avg_pool2d(image.permute(0, 3, 1, 2).to(torch.float32) / 255.0, _CELL).flatten(2).transpose(1, 2)
        apart = (_lab(cells)[:, :, None] - self.prototypes).square().sum(-1)
        shares = (torch.softmax(apart / (-2 * _SPREAD**2), -1) @ self.members).mean(1)
        return F.normalize(shares.sqrt() @ self.vectors, dim=-1)


def _lab(rgb: Tensor) -> Tensor:
    """sRGB in [0, 1], (..., 3), to CIELAB with stretched chroma."""
    light = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = light @ _XYZ.T
    x, y, z = torch.where(xyz > 0.008856, xyz.clamp(min=0.008856) ** (1 / 3), 7.787 * xyz + 16 / 116).unbind(-1)
    return torch.stack([116 * y - 16, 500 * _CHROMA * (x - y), 200 * _CHROMA * (y - z)], -1)
