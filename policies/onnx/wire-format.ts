import protobuf from 'protobufjs';

/**
 * The part of onnx.proto that our models use (github.com/onnx/onnx, onnx/onnx.proto; field numbers must stay as there).
 * Unknown fields of foreign models are skipped on reading.
 */
const source = `
syntax = "proto2";
message AttributeProto {
  optional string name = 1; optional int64 i = 3; optional bytes s = 4;
  optional GraphProto g = 6; repeated int64 ints = 8; optional int32 type = 20;
}
message NodeProto {
  repeated string input = 1; repeated string output = 2; optional string name = 3; optional string op_type = 4;
  repeated AttributeProto attribute = 5; optional string domain = 7;
}
message TensorProto {
  repeated int64 dims = 1; optional int32 data_type = 2; optional string name = 8; optional bytes raw_data = 9;
}
message Dimension { optional int64 dim_value = 1; optional string dim_param = 2; }
message TensorShapeProto { repeated Dimension dim = 1; }
message TensorTypeProto { optional int32 elem_type = 1; optional TensorShapeProto shape = 2; }
message TypeProto { optional TensorTypeProto tensor_type = 1; }
message ValueInfoProto { optional string name = 1; optional TypeProto type = 2; }
message GraphProto {
  repeated NodeProto node = 1; optional string name = 2; repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12;
}
message OperatorSetIdProto { optional string domain = 1; optional int64 version = 2; }
message StringStringEntryProto { optional string key = 1; optional string value = 2; }
message ModelProto {
  optional int64 ir_version = 1; optional string producer_name = 2; optional GraphProto graph = 7;
  repeated OperatorSetIdProto opset_import = 8; repeated StringStringEntryProto metadata_props = 14;
}`;

/** IR 8 with operator set 17: old enough for any runtime of the last years on a robot, new enough for all we emit. */
export const irVersion = 8;
export const operatorSetVersion = 17;

export const elementTypes = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9 } as const;
export type ElementType = keyof typeof elementTypes;
export const attributeTypes = { int: 2, string: 3, graph: 5, ints: 7 } as const;

export interface WireAttribute {
  readonly name: string;
  readonly type: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly g?: WireGraph;
  readonly ints?: readonly number[];
}
export interface WireNode {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly opType: string;
  readonly attribute: readonly WireAttribute[];
}
export interface WireTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  /** Little-endian values, row-major; absent in foreign models that store values another way. */
  readonly rawData?: Uint8Array;
}
export interface WireValueInfo {
  readonly name: string;
  readonly type: {
    readonly tensorType: {
      readonly elemType: number;
      readonly shape: { readonly dim: readonly { readonly dimValue?: number; readonly dimParam?: string }[] };
    };
  };
}
export interface WireGraph {
  readonly name: string;
  readonly node: readonly WireNode[];
  readonly initializer: readonly WireTensor[];
  readonly input: readonly WireValueInfo[];
  readonly output: readonly WireValueInfo[];
}
export interface WireModel {
  readonly irVersion: number;
  readonly producerName: string;
  readonly opsetImport: readonly { readonly domain: string; readonly version: number }[];
  readonly metadataProps: readonly { readonly key: string; readonly value: string }[];
  readonly graph: WireGraph;
}

const modelType = protobuf.parse(source).root.lookupType('ModelProto');

/** Serialises a model; equal models give equal bytes (fields are written in order of their numbers). */
export const encodeModel = (model: WireModel): Uint8Array => modelType.encode(modelType.fromObject(model)).finish();

/** Reads a model; throws when the bytes are no protobuf message of this shape. Missing lists come as empty ones. */
export const decodeModel = (bytes: Uint8Array): WireModel =>
  modelType.toObject(modelType.decode(bytes), { longs: Number, arrays: true, objects: true }) as WireModel;
