"""The commands, a module a family. Each reads its arguments, calls the gateway, and prints."""
