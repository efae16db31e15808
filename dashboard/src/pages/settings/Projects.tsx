import { useState } from "react";

import { api, data, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Project } from "@/api/types";
import { Collection } from "@/components/Collection";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { Time } from "@/components/Time";
import { useTranslate } from "@/i18n/translate";
import { useProjects } from "@/shell/project";

export function Projects() {
  const t = useTranslate();
  const { may } = useSession();
  const [edited, setEdited] = useState<Project | "new" | null>(null);
  return (
    <>
      <Collection
        label={t("settings.projects")}
        note={t("projects.note")}
        none={t("projects.none")}
        items={useProjects()}
        idOf={(project) => project.id}
        columns={[
          { name: t("queues.name"), of: (project) => project.name, className: "untrusted font-medium" },
          { name: t("projects.id"), of: (project) => project.id, className: "font-mono text-xs text-muted" },
          { name: t("job.created"), of: (project) => <Time at={project.created_at} /> },
        ]}
        edit={may("project:write") ? { make: t("projects.new"), onMake: () => setEdited("new"), change: t("projects.rename"), onChange: setEdited } : null}
        removal={{
          button: t("action.delete"),
          title: t("projects.delete"),
          hint: t("projects.delete_hint"),
          said: t("projects.deleted"),
          typed: (project) => project.name,
          remove: (project) => done(api.DELETE("/api/v1/projects/{project_id}", { params: { path: { project_id: project.id } } })),
        }}
      />
      {edited !== null && <ProjectDialog project={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </>
  );
}

function ProjectDialog({ project, onClose }: { project: Project | null; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const [name, setName] = useState(project?.name ?? "");
  const save = () =>
    action(
      () =>
        project === null
          ? data(api.POST("/api/v1/projects", { body: { name } }))
          : done(api.PATCH("/api/v1/projects/{project_id}", { params: { path: { project_id: project.id } }, body: { name } })),
      t("projects.saved"),
    );
  return (
    <FormDialog title={t(project === null ? "projects.new" : "projects.rename")} isOpen onClose={onClose} submit={t("action.save")} isDisabled={name.trim() === ""} save={save}>
      <Field label={t("queues.name")}>
        <input className="field" maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
      </Field>
    </FormDialog>
  );
}
