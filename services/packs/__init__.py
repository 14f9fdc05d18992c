"""Model packs: a TOML file and the weights that it names in; a Triton model repository and its manifest out.

`build.build()` makes a pack, `manifest.load()` reads a built one, `canvas.lay()` prepares a picture for its visual
encoder, and `tritonserver.command()` says how to serve it on one machine. Only building imports torch.
"""
