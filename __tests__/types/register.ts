import 'polypool/register';
import { moduleNameMapper } from 'polypool/register/jest';
import { TimeoutError } from 'polypool/generic-pool/lib/errors';
import { exact } from './exact.js';

exact<typeof moduleNameMapper, Record<string, string>>(true);

/** As a configuration of Jest takes it, among entries of the project's own. */
export const config: { moduleNameMapper: Record<string, string | string[]> } = {
  moduleNameMapper: { '^~/(.*)$': '<rootDir>/src/$1', ...moduleNameMapper },
};

export function explain(error: unknown): string {
  return error instanceof TimeoutError ? error.message : String(error);
}
