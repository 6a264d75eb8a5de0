"""The contract as data: JSON Schemas, datatype tables and the catalogue of requirements."""
