import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { api, data } from "@/api/client";
import { useSession } from "@/api/session";
import { shortId } from "@/format/numbers";

/** A worker by its name, or by the end of its id while that is not known. */
export function WorkerLink({ id }: { id: string }) {
  const { may } = useSession();
  const worker = useQuery({
    queryKey: ["worker", id],
    queryFn: () => data(api.GET("/api/v1/workers/{worker_id}", { params: { path: { worker_id: id } } })),
    enabled: may("worker:read"),
    staleTime: 60_000,
  });
  return (
    <Link to="/workers/$workerId" params={{ workerId: id }} className="untrusted text-accent hover:underline">
      {worker.data?.name ?? shortId(id)}
    </Link>
  );
}
