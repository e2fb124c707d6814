"""HTTP and JSON outside, gRPC and protobuf inside, both read from the same contracts."""
