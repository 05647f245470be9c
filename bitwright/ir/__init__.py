"""The small IR of a network (types, graph, text form) and the hardware netlist that it is lowered to."""
