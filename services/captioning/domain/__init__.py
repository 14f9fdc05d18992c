"""Pure rules of captioning: which text is kept and for how long, when to look, sentences of classes, agreement."""
