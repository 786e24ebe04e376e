'use strict';

/** The places of a pool of resources, and what is in them. */
class Entries {
  /** By number; a place that was never used, or whose create failed, has none. */
  slots = [];
  #byResource = new Map();

  /** An entry with that resource; others with an equal one are its twins. */
  get(resource) {
    return this.#byResource.get(resource);
  }

  /** A resource has been made for its place. */
  fill(entry, resource) {
    entry.fill(resource, this.#byResource.get(resource) ?? null);
    this.#byResource.set(resource, entry);
  }

  /** Its resource is not in the pool any more. */
  forget(entry) {
    entry.exists = false;
    const first = this.#byResource.get(entry.resource);
    if (first === entry && entry.twin === null) this.#byResource.delete(entry.resource);
    else if (first === entry) this.#byResource.set(entry.resource, entry.twin);
    else {
      let before = first;
      while (before.twin !== entry) before = before.twin;
      before.twin = entry.twin;
    }
    entry.twin = null;
  }
}

module.exports = { Entries };
