"""(see the package)"""
