// Everything done here as files that the office reads in (`import_operations`): what a till that cannot connect leaves behind.

import { asSent } from "./upload.js";

const KEPT_FOR_MS = 60_000;

/** Write the operations of each device that this till is or was to a file of its own. */
export function exportFile(till) {
  for (const device of [...till.former, till.device].filter(Boolean)) {
    const operations = till.everything.filter((each) => each.device_id === device.device_id).reverse();
    if (operations.length) download(`quita-caixa-${device.till}-${device.device_id}.json`, fileOf(device, operations));
  }
}

function fileOf({ device_id, epoch, first_seq, branch, till }, operations) {
  const first = first_seq ? { first_seq } : {};
  const exported_at = new Date().toISOString();
  return { format: "quita-till-operations", v: 1, device_id, epoch, ...first, branch, till, exported_at, operations: operations.map(asSent) };
}

function download(name, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1)], { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_FOR_MS);
}
