"""The simulated NVR that tests, the demo and the benchmarks use, and that reproduces users' bugs (`proxyd simulate`)."""
