"""One file a runtime: `build` turns the float network into the quantized model that its runner loads (needs torch)."""
