"""From a float model and sample inputs to a quantized model, which the reader then takes exactly.

`quantize.calibrate` is the way in. The codes of what may be refused are listed in `reader`.
"""
