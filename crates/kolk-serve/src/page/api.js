// What the server is asked. Answers are data, never markup.

/// Something the server has no answer to.
export class Refused extends Error {}

/// The JSON at a path. What was fetched before and has not changed is not sent again.
export async function ask(path) {
  let response;
  try {
    response = await fetch(path, { cache: "no-cache" });
  } catch {
    throw new Refused("kolk serve does not answer: was it stopped?");
  }
  if (!response.ok) throw new Refused((await response.text()).trim());
  return response.json();
}

/// A run's path behind a prefix: `/runs`, `/api/runs`, `/files`.
export function pathOf(prefix, { workload, time }, rest = "") {
  return `${prefix}/${encodeURIComponent(workload)}/${encodeURIComponent(time)}${rest}`;
}

/// A run as it is written in addresses: `broadcast/20261121T153500.000`.
export function nameOf({ workload, time }) {
  return `${workload}/${time}`;
}

/// A file's path, each of its names by itself.
export function filePath(run, path) {
  return pathOf("/files", run, `/${path.split("/").map(encodeURIComponent).join("/")}`);
}
