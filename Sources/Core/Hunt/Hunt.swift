// Hunt
