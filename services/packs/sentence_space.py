"""The sentence space: texts compared with texts, and what its scores mean."""

import torch
from torch import Tensor, nn

# Where z (see manifest.Background) becomes a score of one half, and how fast it rises. Of pairs of English texts of our
# own, paraphrases had a z of 6.4 to 13, texts that share a subject but say another thing mostly 1.5 to 6, and unrelated
# ones at most 2; of 366 sentences on many subjects, the nearest to each of them had mostly 4 to 5.4.
SCORE_CENTRE = 5.7
SCORE_SCALE = 0.7


class Plain(nn.Module):
    """`input_ids` and `attention_mask` to `sentence`: an encoder's own unit vectors."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        vector: torch.Tensor = self.encoder(input_ids, attention_mask)
        return vector
