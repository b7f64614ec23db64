import { assertEquals } from "@std/assert";
import { type FileTexts, watchFiles } from "../../src/process/changed_files.ts";
import { promisesSettled } from "../support/eventually.ts";
import { FakeTimers } from "../support/fakes/timers.ts";

/** Files in memory, and how often their changes were told. */
class Files {
  readonly texts = new Map<string, string>();
  changes = 0;

  constructor(texts: Record<string, string>) {
    for (const [path, text] of Object.entries(texts)) this.texts.set(path, text);
  }

  watch(signal: AbortSignal): void {
    void watchFiles(this.#now(), {
      read: (path) => {
        const text = this.texts.get(path);
        return text === undefined ? Promise.reject(new Error("absent")) : Promise.resolve(text);
      },
      onChange: () => {
        this.changes++;
        return Promise.resolve(this.#now());
      },
      signal,
    });
  }

  #now(): FileTexts {
    return new Map(this.texts);
  }
}

Deno.test("watchFiles() tells of a change that lasts for two looks, once", async () => {
  using timers = new FakeTimers();
  const files = new Files({ "/a": "1", "/b": "1" });
  using watch = new Watch();
  files.watch(watch.signal);
  assertEquals(timers.delaysMs, [5000]);
  await fire(timers);
  files.texts.set("/b", "2");
  await fire(timers);
  assertEquals([files.changes, timers.delaysMs], [0, [500]]);
  await fire(timers);
  assertEquals([files.changes, timers.delaysMs], [1, [5000]]);
  await fire(timers);
  assertEquals(files.changes, 1);
});

Deno.test("watchFiles() waits for somebody who is still writing", async () => {
  using timers = new FakeTimers();
  const files = new Files({ "/a": "1" });
  using watch = new Watch();
  files.watch(watch.signal);
  for (const text of ["2", "22", "222"]) {
    files.texts.set("/a", text);
    await fire(timers);
  }
  assertEquals(files.changes, 0);
  await fire(timers);
  assertEquals(files.changes, 1);
});

Deno.test("watchFiles() does not tell of a file that is as it was when it has settled", async () => {
  using timers = new FakeTimers();
  const files = new Files({ "/a": "1" });
  using watch = new Watch();
  files.watch(watch.signal);
  files.texts.set("/a", "2");
  await fire(timers);
  files.texts.set("/a", "1");
  await fire(timers);
  assertEquals([files.changes, timers.delaysMs], [0, [5000]]);
});

Deno.test("watchFiles() tells of a file that is gone, and of one that is there again", async () => {
  using timers = new FakeTimers();
  const files = new Files({ "/a": "1" });
  let known: FileTexts = new Map([["/a", "1"]]);
  let changes = 0;
  using watch = new Watch();
  void watchFiles(known, {
    read: (path) => Promise.try(() => files.texts.get(path) ?? Promise.reject(new Error("absent"))),
    onChange: () => {
      changes++;
      known = new Map([["/a", files.texts.get("/a")]]);
      return Promise.resolve(known);
    },
    signal: watch.signal,
  });
  files.texts.delete("/a");
  await fire(timers);
  await fire(timers);
  assertEquals([changes, known.get("/a")], [1, undefined]);
  files.texts.set("/a", "1");
  await fire(timers);
  await fire(timers);
  assertEquals([changes, known.get("/a")], [2, "1"]);
});

Deno.test("watchFiles() looks at nothing where there are no files, nor after its end", () => {
  using timers = new FakeTimers();
  {
    using watch = new Watch();
    new Files({}).watch(watch.signal);
    assertEquals(timers.count, 0);
    new Files({ "/a": "1" }).watch(watch.signal);
    assertEquals(timers.count, 1);
  }
  assertEquals(timers.count, 0);
});

/** Ends with its scope. */
class Watch implements Disposable {
  readonly #ended = new AbortController();
  readonly signal = this.#ended.signal;

  [Symbol.dispose](): void {
    this.#ended.abort();
  }
}

async function fire(timers: FakeTimers): Promise<void> {
  timers.fire(0);
  await promisesSettled();
}
