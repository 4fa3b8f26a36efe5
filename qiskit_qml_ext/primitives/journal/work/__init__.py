"""What is asked for, as items with their content keys, and results as bytes.

class_parts: What a class of somebody's is made of.
codec: Results as bytes, and what they must be like.
devices: What a device reports of itself.
estimator_request: Items of an estimator, as PUBs and back.
exclusions: What is no content, each with its reason.
identity: What else a primitive and its backend are.
inputs: What is asked for in words that others understand, for an export.
keys: The content keys of items, and numbers of repetition.
options: Options of primitives and backends as such values.
requests: Items, and how they are packed into units.
sampler_request: Items of a sampler, as PUBs and back.
stable: Any value as JSON that is the same in every process.
written_circuits: Circuits as bytes, with QPY.
"""
