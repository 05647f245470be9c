"""From a model file to the IR, exactly. `reader.import_model` is the way in; only this package imports onnx."""
