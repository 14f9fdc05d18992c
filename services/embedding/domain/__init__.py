"""Pure rules of embedding: the model's facts, windows of long texts, vectors and their pooling into shots."""
