'use strict';
// The name under which this machine's add-on is built, packed and loaded.
// Linux means glibc: a musl build does not exist yet, and loading says so.

const LIBC = process.platform === 'linux' ? '-gnu' : process.platform === 'win32' ? '-msvc' : '';

const platform = `${process.platform}-${process.arch}${LIBC}`;

module.exports = {
  /** Where `npm run build` leaves the add-on, in the root of a checkout. */
  file: `polypool.${platform}.node`,
  /** The package that carries it once published. */
  package: `polypool-${platform}`,
  platform,
};
