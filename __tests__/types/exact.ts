/** Compiles only when both types are the same. */
export type Exact<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

export function exact<A, B>(_same: Exact<A, B>): void {}
