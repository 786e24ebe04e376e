// Same declarations as the CommonJS entry: index.mjs re-exports that one instance.
import * as polypool from './index.js';
export * from './index.js';
export default polypool;
