import { CustomTypesConfig, QueryConfig } from './index';

/** A value as a parameter of a query: text, bytes, or null. */
export function prepareValue(value: unknown): any;

/** One object of what `query` takes in several forms. */
export function normalizeQueryConfig(
  config: string | QueryConfig,
  values?: unknown[] | ((...args: any[]) => void),
  callback?: (...args: any[]) => void,
): QueryConfig & { callback?: (...args: any[]) => void; types?: CustomTypesConfig };

export function escapeIdentifier(name: string): string;
export function escapeLiteral(text: string): string;
