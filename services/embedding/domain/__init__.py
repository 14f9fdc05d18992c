"""Pure rules of embedding: the models' facts, windows of long texts, passages, vectors and their pooling into shots."""
