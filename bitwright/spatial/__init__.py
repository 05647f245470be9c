"""The spatial engine: layers as circuits of constants, every weight wired in, one vector a cycle."""
