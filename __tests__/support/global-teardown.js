'use strict';

module.exports = async () => {
  await globalThis.polypoolTestServer?.destroy();
};
