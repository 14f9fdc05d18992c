"""Pure rules of decoding: where to cut a video into segments, where its shots begin, which frames stand for it."""
