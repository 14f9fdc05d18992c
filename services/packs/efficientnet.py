"""EfficientNet-Lite (Tan and Le 2019) as a classifier of wide uint8 canvases."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


class Classifier(nn.Module):
    """(batch, height, width, 3) uint8 RGB to (batch, classes) float32 logits.

    The features are averaged over the whole canvas, so one wide pass stands for several square crops at less cost.
    """

    net: Any

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        # The Lite models were trained on (pixel - 127) / 128.
        x = (image.permute(0, 3, 1, 2).to(torch.float32) - 127.0) / 128.0
        logits: Tensor = self.net._fc(self.net.extract_features(x).mean((2, 3)))
        return logits


def create(architecture: str, height: int, width: int, **changes: int) -> Classifier:
    """An untrained classifier; `changes` override the architecture's parameters, such as `num_classes`."""
    from efficientnet_lite_pytorch import EfficientNet

    # The package pads statically, for one size of canvas; that is what ONNX wants too.
    return Classifier(EfficientNet.from_name(architecture, image_size=(height, width), **changes)).eval()


def load(architecture: str, weights: Path, height: int, width: int) -> Classifier:
    """The trained classifier; `weights` is a state dict, read without unpickling code."""
    classifier = create(architecture, height, width)
    classifier.net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return classifier
