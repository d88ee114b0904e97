"""The simulated NVR (`proxyd simulate`): tests, demo and benchmarks use it, users' bugs are reproduced with it."""
