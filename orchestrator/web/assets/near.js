// Builds what is near the part of the page that is seen, and nothing else.

const waiting = new WeakMap();
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      waiting.get(target)?.();
      waiting.delete(target);
    }
  },
  { rootMargin: "600px" },
);

// Calls `build` once, as soon as the element is near.
export function whenNear(element, build) {
  waiting.set(element, build);
  watcher.observe(element);
}

const CHUNK = 100;

// A list of any length: rows are made a hundred at a time, when their place is near. `row(item, index)` makes one.
export class LongList {
  constructor(list, row) {
    this.list = list;
    this.row = row;
    this.items = [];
    this.chunks = [];
  }

  // The items of now: those that were there before are at the same places.
  update(items) {
    this.items = items;
    while (this.chunks.length * CHUNK < items.length) this.addChunk();
    while (this.chunks.length && (this.chunks.length - 1) * CHUNK >= items.length) this.chunks.pop().node.remove();
    for (const chunk of this.chunks) {
      this.estimate(chunk);
      if (chunk.near) this.fill(chunk);
    }
  }

  addChunk() {
    const node = document.createElement("div");
    node.className = "chunk";
    node.setAttribute("role", "presentation");
    const chunk = { node, first: this.chunks.length * CHUNK, near: false, rows: [] };
    this.chunks.push(chunk);
    this.list.append(node);
    whenNear(node, () => {
      chunk.near = true;
      this.fill(chunk);
    });
  }

  estimate(chunk) {
    const count = Math.min(CHUNK, this.items.length - chunk.first);
    chunk.node.style.setProperty("--rows", chunk.near ? 0 : count);
  }

  fill(chunk) {
    this.estimate(chunk);
    const items = this.items.slice(chunk.first, chunk.first + CHUNK);
    for (const gone of chunk.rows.splice(items.length)) gone.node.remove();
    for (const [place, item] of items.entries()) {
      if (!chunk.rows[place]) {
        chunk.rows[place] = this.row(item, chunk.first + place);
        chunk.node.append(chunk.rows[place].node);
      }
      chunk.rows[place].update(item);
    }
  }
}
