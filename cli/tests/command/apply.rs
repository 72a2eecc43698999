//! Plans that are kept in files.

use crate::setting::{Ended, GROUP, KEY, REGISTRY, Setting, VAULT};
use serde_json::Value;
use std::path::PathBuf;

const ROTATE: [&str; 4] = ["rotate", "-n", REGISTRY, "--versioned"];

struct Kept {
    s: Setting,
    file: PathBuf,
}

impl Kept {
    fn of(order: &[&str]) -> Self {
        Self::on(Setting::with_registry(), order)
    }
    fn on(s: Setting, order: &[&str]) -> Self {
        let file = s.dir.path().join("the plan.json");
        let kept = Self { s, file };
        kept.plan(order).with(4, &["kept in ", "carry it out: cmk apply '"]);
        assert_eq!(kept.s.sim.writes(), 0);
        kept
    }
    fn name(&self) -> &str {
        self.file.to_str().expect("text")
    }
    fn plan(&self, order: &[&str]) -> Ended {
        self.s.cmk(&[order, &["--plan", "--out", self.name()]].concat())
    }
    fn apply(&self, more: &[&str]) -> Ended {
        self.s.cmk(&[&["apply", self.name(), "--yes"], more].concat())
    }
    fn edit(&self, edit: impl FnOnce(&mut Value)) {
        let mut plan = serde_json::from_str(&std::fs::read_to_string(&self.file).expect("a plan")).expect("json");
        edit(&mut plan);
        std::fs::write(&self.file, plan.to_string()).expect("a file");
    }
    #[track_caller]
    fn refused(&self, code: i32, said: &[&str]) {
        let writes = self.s.sim.writes();
        let told = self.apply(&[]).with(code, said);
        assert_eq!((told.out.as_str(), self.s.sim.writes()), ("", writes));
    }
}

#[test]
fn a_plan_is_kept_and_carried_out_as_it_is() {
    let k = Kept::of(&ROTATE);
    #[cfg(unix)]
    {
        let mode = std::fs::metadata(&k.file).map(|m| std::os::unix::fs::PermissionsExt::mode(&m.permissions()));
        assert_eq!(mode.expect("a file") & 0o777, 0o600);
    }
    let before = std::fs::read(&k.file).expect("a plan");
    let requests = k.s.sim.requests();
    k.plan(&ROTATE).with(2, &["is there already", "--out"]);
    assert_eq!(k.s.sim.requests(), requests, "said before anything is asked");
    assert_eq!(std::fs::read(&k.file).expect("a plan"), before);

    k.s.cmk(&["apply", k.name()]).with(2, &["no terminal"]);
    let done = k.apply(&["--run", "r1", "-o", "json"]).with(0, &[]);
    let done: Value = serde_json::from_str(&done.out).expect("a document");
    assert_eq!((done["kind"].as_str(), done["reference"].as_str()), (Some("rotated"), Some("versioned")));
    assert_eq!(k.s.in_use(), (k.s.newest(), 2));
    // The same name again is the same run; without it, the world is another by now.
    let again = k.apply(&["--run", "r1", "-o", "json"]).with(0, &[]);
    assert_eq!(serde_json::from_str::<Value>(&again.out).expect("a document"), done);
    k.refused(8, &["the world has moved"]);
}

#[test]
fn every_kind_of_plan_can_be_kept() {
    let moved = ["bypass", "-n", REGISTRY];
    Kept::of(&moved).apply(&[]).with(0, &[]);
    Kept::of(&["auto-rotate", "-n", REGISTRY, "--every", "P90D", "--versions-live", "P2Y"]).apply(&[]).with(0, &[]);
    Kept::of(&["vault-network", VAULT, "--allow-ip", "203.0.113.7"]).apply(&[]).with(0, &[]);
    Kept::of(&["revoke", "-n", REGISTRY, "--accept", "revocation"]).apply(&[]).with(0, &["cmk restore"]);
    Kept::of(&["repair", "-n", REGISTRY]).apply(&[]).with(0, &[]);
    Kept::of(&["reassign", "-n", REGISTRY, "--to", "system"]).apply(&[]).with(0, &[]);
    let s = Setting::with_registry();
    s.sim.with_world(|world, _| world.mutate_delete_key(VAULT, KEY));
    Kept::on(s, &["recover", "-n", REGISTRY]).apply(&[]).with(0, &[]);
    // What a run leaves in the cloud is named after the run, and yet the plan is the same.
    let create = ["create", "-g", GROUP, "-n", REGISTRY, "-l", "westeurope", "--accept", "encryption", "--accept"];
    Kept::on(Setting::empty(), &[&create[..], &["purge-protection"]].concat()).apply(&[]).with(0, &[]);
}

#[test]
fn a_rollback_is_kept_without_its_run() {
    let s = Setting::with_registry();
    let file = s.dir.path().join("back.json");
    let file = file.to_str().expect("text");
    s.json(&["rotate", "-n", REGISTRY, "--yes", "--run", "r1"]);
    s.cmk(&["rollback", "r1", "--plan", "--out", file]).with(4, &[]);
    s.cmk(&["apply", file, "--yes"]).with(0, &[]);
    assert_ne!(s.in_use().0, s.newest());
}

#[test]
fn a_world_that_has_moved_is_left_alone() {
    let k = Kept::of(&ROTATE);
    k.s.sim.with_world(|world, _| {
        let other = world.mutate_new_version(VAULT, KEY);
        world.mutate_registry_key(&k.s.registry_id(REGISTRY), VAULT, KEY, Some(&other));
    });
    k.refused(8, &["the world has moved", "as planned, step"]);
}

#[test]
fn what_is_no_plan_any_more_is_refused() {
    let k = Kept::of(&ROTATE);
    k.edit(|plan| plan["plan"]["steps"][0]["change"] = "nothing of note".into());
    k.refused(8, &["as planned, step 1", "nothing of note"]);
    k.edit(|plan| plan["order"]["registry"] = k.s.registry_id("contoso2").into());
    k.refused(2, &["make the plan again"]);
    k.edit(|plan| plan["order"]["force"] = true.into());
    k.refused(2, &["this is no saved plan"]);
    k.edit(|plan| plan["v"] = 2.into());
    k.refused(2, &["has form 2"]);
    std::fs::write(&k.file, [0xff, 0xfe]).expect("a file");
    k.refused(2, &["is no saved plan"]);
    std::fs::remove_file(&k.file).expect("no file");
    k.refused(2, &["cannot be read"]);
}

#[test]
fn a_plan_of_another_cloud_is_refused() {
    let k = Kept::of(&ROTATE);
    let told = k.apply(&["--cloud", "china"]).with(2, &["made on the cloud"]);
    assert_eq!((told.out.as_str(), k.s.sim.writes()), ("", 0));
}

#[test]
fn only_a_plan_that_would_be_carried_out_is_kept() {
    let s = Setting::with_registry();
    let file = s.dir.path().join("plan.json");
    let name = file.to_str().expect("text");
    s.cmk(&["revoke", "-n", REGISTRY, "--plan", "--out", name]).with(3, &[]);
    s.cmk(&["rotate", "-n", REGISTRY, "--yes", "--out", name]).with(2, &["--plan"]);
    s.cmk(&["rotate", "-n", REGISTRY, "--plan", "--out", "/nowhere/at/all"]).with(1, &["cannot be kept"]);
    assert!(!file.exists());
}
