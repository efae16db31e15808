"""The HTTP API: what people and programs reach over the network. It calls services and decides nothing itself."""
