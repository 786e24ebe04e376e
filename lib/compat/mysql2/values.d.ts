// Values on their way to the server and back.

import { Readable } from 'node:stream';
import { Raw, Timezone } from 'sql-escaper';

// ---- Parameters ----

/** A parameter of a type of the caller's choice, as `TypedParameter` makes it. */
export interface TypedParameterValue {
  readonly type: number;
  readonly value: unknown;
  readonly unsigned: boolean;
}

export type TypedParameterInput =
  string | number | bigint | boolean | Date | Buffer | Uint8Array | null;

export interface TypedParameterFactory {
  (value: TypedParameterInput): TypedParameterValue;
}

export interface IntegerTypedParameterFactory extends TypedParameterFactory {
  unsigned(value: TypedParameterInput): TypedParameterValue;
}

export interface JsonTypedParameterFactory {
  (value: TypedParameterInput | object): TypedParameterValue;
}

type Of<Name extends string, Factory> = { [N in Name]: Factory };

export interface TypedParameter
  extends
    Of<'TINY' | 'SHORT' | 'YEAR' | 'INT24' | 'LONG' | 'LONGLONG', IntegerTypedParameterFactory>,
    Of<'TINYINT' | 'SMALLINT' | 'MEDIUMINT' | 'INT', IntegerTypedParameterFactory>,
    Of<'INTEGER' | 'BIGINT', IntegerTypedParameterFactory>,
    Of<'FLOAT' | 'DOUBLE' | 'REAL' | 'DECIMAL' | 'NEWDECIMAL', TypedParameterFactory>,
    Of<'DATE' | 'DATETIME' | 'TIMESTAMP' | 'TIME', TypedParameterFactory>,
    Of<'VARCHAR' | 'VAR_STRING' | 'STRING' | 'CHAR' | 'TEXT', TypedParameterFactory>,
    Of<'VARBINARY' | 'BINARY' | 'BIT' | 'GEOMETRY' | 'VECTOR', TypedParameterFactory>,
    Of<'ENUM' | 'SET', TypedParameterFactory>,
    Of<'TINY_BLOB' | 'MEDIUM_BLOB' | 'LONG_BLOB' | 'BLOB', TypedParameterFactory> {
  JSON: JsonTypedParameterFactory;
  NULL(): TypedParameterValue;
}

/** Parameters of `execute` whose type is not to be guessed from their value. */
export declare const TypedParameter: TypedParameter;

/** What `execute` takes. */
export type ExecuteValues =
  | TypedParameterValue
  | string
  | number
  | bigint
  | boolean
  | Date
  | null
  | Blob
  | Buffer
  | Uint8Array
  | ExecuteValues[]
  | { [key: string]: ExecuteValues };

/** What `query` writes into the text. */
export type QueryValues =
  | string
  | number
  | bigint
  | boolean
  | Date
  | null
  | undefined
  | Blob
  | Buffer
  | Uint8Array
  | Raw
  | ({} | null | undefined)[]
  | { [key: string]: QueryValues };

// ---- Results ----

export interface RowDataPacket {
  constructor: { name: 'RowDataPacket' };
  [column: string]: any;
  [column: number]: any;
}

/** What a statement without rows came to. */
export interface ResultSetHeader {
  constructor: { name: 'ResultSetHeader' };
  affectedRows: number;
  fieldCount: number;
  info: string;
  insertId: number;
  serverStatus: number;
  warningStatus: number;
  /** Rows that are other than before. */
  changedRows: number;
}

/** @deprecated An older name of `ResultSetHeader`, with what that has no more. */
export interface OkPacket {
  constructor: { name: 'OkPacket' };
  fieldCount: number;
  affectedRows: number;
  changedRows: number;
  insertId: number;
  serverStatus: number;
  warningCount: number;
  message: string;
  protocol41: boolean;
}

/** The results of CALL. */
export type ProcedureCallPacket<T = [RowDataPacket[], ResultSetHeader] | ResultSetHeader> =
  T extends RowDataPacket[]
    ? [T, ResultSetHeader]
    : T extends ResultSetHeader | OkPacket
      ? ResultSetHeader
      : [RowDataPacket[], ResultSetHeader] | ResultSetHeader;

export type QueryResult =
  | OkPacket
  | ResultSetHeader
  | ResultSetHeader[]
  | RowDataPacket[]
  | RowDataPacket[][]
  | OkPacket[]
  | ProcedureCallPacket;

/** A column of a result. */
export interface FieldPacket {
  constructor: { name: 'FieldPacket' };
  catalog: string;
  charsetNr?: number;
  db?: string;
  schema?: string;
  characterSet?: number;
  decimals: number;
  default?: any;
  flags: number | string[];
  length?: number;
  name: string;
  orgName: string;
  orgTable: string;
  protocol41?: boolean;
  table: string;
  type?: number;
  columnType?: number;
  zerofill?: boolean;
  typeName?: string;
  encoding?: string;
  columnLength?: number;
  /** MariaDB's own name of the type, such as `uuid` and `inet6`. */
  extendedTypeName?: string;
  /** MariaDB's name of the format, such as `json`. */
  extendedFormat?: string;
}

export interface OkPacketParams {
  affectedRows?: number;
  insertId?: number;
  serverStatus?: number;
  warningCount?: number;
  message?: string;
}

export interface ErrorPacketParams {
  message?: string;
  code?: number | string;
}

// ---- Cells ----

export type TypeCastGeometry = { x: number; y: number };

type TypeName =
  | 'DECIMAL'
  | 'TINY'
  | 'SHORT'
  | 'LONG'
  | 'FLOAT'
  | 'DOUBLE'
  | 'NULL'
  | 'TIMESTAMP'
  | 'TIMESTAMP2'
  | 'LONGLONG'
  | 'INT24'
  | 'DATE'
  | 'TIME'
  | 'TIME2'
  | 'DATETIME'
  | 'DATETIME2'
  | 'YEAR'
  | 'NEWDATE'
  | 'VARCHAR'
  | 'BIT'
  | 'VECTOR'
  | 'JSON'
  | 'NEWDECIMAL'
  | 'ENUM'
  | 'SET'
  | 'TINY_BLOB'
  | 'MEDIUM_BLOB'
  | 'LONG_BLOB'
  | 'BLOB'
  | 'VAR_STRING'
  | 'STRING'
  | 'GEOMETRY';

export type TypeCastType = { type: TypeName };

/** A cell that a function reads; one of the three, and once. */
export type TypeCastField = TypeCastType & {
  extendedTypeName?: string;
  extendedFormat?: string;
  length: number;
  db: string;
  table: string;
  name: string;
  string: (encoding?: BufferEncoding | string | undefined) => string | null;
  buffer: () => Buffer | null;
  geometry: () => TypeCastGeometry | TypeCastGeometry[] | null;
};

/** @deprecated An older name of `TypeCastField`. */
export type Field = TypeCastField;

/** What the cell is by its type. */
export type TypeCastNext = () => unknown;

/** False: cells are texts or bytes as they came. */
export type TypeCast = ((field: TypeCastField, next: TypeCastNext) => any) | boolean;

/** How the cells of results are read. */
export interface ResultOptions {
  /** Numbers that a Number cannot hold are texts. Default: false. */
  supportBigNumbers?: boolean;
  /** With `supportBigNumbers`: BIGINT and DECIMAL are texts, all of them. Default: false. */
  bigNumberStrings?: boolean;
  /** Dates are texts as the server wrote them: all, or those of these types. Default: false. */
  dateStrings?: boolean | Array<'TIMESTAMP' | 'DATETIME' | 'DATE'>;
  /** `local`, `Z` or `+hh:mm`: where the server's dates are taken to be. Default: `local`. */
  timezone?: Timezone;
  /** Default: true. */
  typeCast?: TypeCast;
  /** Rows are arrays. Default: false. */
  rowsAsArray?: boolean;
  /** The stream that LOAD DATA LOCAL sends; without it, it is refused. */
  infileStreamFactory?: (path: string) => Readable;
  /** Parameters are `:name`, and values an object. Default: false. */
  namedPlaceholders?: boolean;
}
