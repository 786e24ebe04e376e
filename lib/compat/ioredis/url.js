'use strict';

/** Where to connect, from a text: a port, a path, `host:port`, or a URL with its parameters. */

const { fill } = require('./fill');

/** Whether it is a whole number of 32 bits, as a number or as a text. */
function isInt(value) {
  const number = parseFloat(value);
  return !Number.isNaN(Number(value)) && (number | 0) === number;
}

function readParameters(parameters) {
  const options = {};
  for (const [key, value] of parameters) {
    const family = key === 'family' ? Number.parseInt(value, 10) : NaN;
    options[key] = Number.isNaN(family) ? value : family;
  }
  return options;
}

function parsePath(text) {
  const [path] = text.split('?', 1);
  const parameters = new URLSearchParams(text.slice(path.length + 1));
  return fill({ path }, readParameters(parameters));
}

function parseURL(text) {
  if (isInt(text)) return { port: text };
  const isRelative = text.startsWith('//');
  if (text.startsWith('/') && !isRelative) return parsePath(text);
  const hasScheme = /^rediss?:\/\//i.test(text);
  const scheme = hasScheme ? '' : isRelative ? 'redis:' : 'redis://';
  const url = new URL(scheme + text);
  const options = {};
  if (url.username || url.password) {
    options.username = decodeURIComponent(url.username);
    options.password = decodeURIComponent(url.password);
  }
  if (url.pathname.length > 1) {
    if (hasScheme || isRelative) options.db = url.pathname.slice(1);
    else options.path = url.pathname;
  }
  // The brackets around an address of IPv6 belong to the URL.
  if (url.hostname) options.host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.port) options.port = url.port;
  return fill(options, readParameters(url.searchParams));
}

module.exports = { isInt, parseURL };
