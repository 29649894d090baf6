"""Kernels with the batch innermost: ``training.kernels = "numba"``.

torch's convolutions fill a vector register with channels, of which a narrow network has too few.
Here a register holds one channel of many examples, so every width is full. Feature maps of M models
are [M, places, channels, batch], float32 and contiguous, with places in rows of an image. Numba
makes machine code of them in a few seconds; no compiler has to be installed.
"""
