'use strict';

module.exports = () => globalThis.polypoolStopServers?.();
