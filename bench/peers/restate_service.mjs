// The flows as handlers of Restate. Arguments: port, journal, folder of the node modules.
import fs from "node:fs";
import http2 from "node:http2";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// The SDK wants this of the runtime; Node 20 lacks it.
Promise.withResolvers ??= function () {
  let resolve, reject;
  const promise = new this((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
};

const [port, journal, modules] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/`));
const restate = await import(pathToFileURL(require.resolve("@restatedev/restate-sdk")));

const file = fs.openSync(journal, "a");
const fibonacci = (n) => (n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2));
const seconds = () => ((performance.timeOrigin + performance.now()) / 1000).toFixed(6);
const line = (kind, run, name) => fs.writeSync(file, `${kind} ${run} ${name} ${seconds()}\n`);

async function step(run, name, sleepS) {
  line("S", run, name);
  if (sleepS) await new Promise((done) => setTimeout(done, sleepS * 1000));
  const result = fibonacci(10);
  line("E", run, name);
  return result;
}

const numbered = (letter, count, digits) =>
  Array.from({ length: count }, (_, i) => letter + String(i).padStart(digits, "0"));

const task = restate.service({
  name: "task",
  handlers: { leaf: (ctx, { run, name }) => ctx.run(name, () => step(run, name, 0)) },
});

const flows = restate.service({
  name: "flows",
  handlers: {
    chain: async (ctx, { run, length, sleep_s }) => {
      for (const name of numbered("t", length, 2)) await ctx.run(name, () => step(run, name, sleep_s));
      return "done";
    },
    fan: async (ctx, { run }) => {
      await ctx.run("start", () => step(run, "start", 0));
      const client = ctx.serviceClient(task);
      const calls = numbered("f", 200, 3).map((name) => client.leaf({ run, name }));
      await restate.RestatePromise.all(calls);
      await ctx.run("join", () => step(run, "join", 0));
      return "done";
    },
  },
});

http2
  .createServer(restate.createEndpointHandler({ services: [task, flows] }))
  .listen(Number(port), "127.0.0.1");
