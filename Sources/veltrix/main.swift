print("veltrix")
