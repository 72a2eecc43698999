//! The steps of the library by name, as its runs report them.

use cmk::{step::Step, steps::*};

macro_rules! names {
    ($($step:ident),+ $(,)?) => {
        &[$($step::NAME),+]
    };
}

/// All of them.
pub const NAMES: &[&str] = names![
    RegisterProvider,
    EnsureGroup,
    EnsureIdentity,
    EnsureVault,
    EnsureKey,
    Grant,
    CreateRegistry,
    MintVersion,
    PointRegistry,
    AttachIdentity,
    DetachIdentity,
    Revalidate,
    SetNetwork,
    SetRegistryNetwork,
    DropPrivateEndpoint,
    SetDiagnostics,
    RecoverKey,
    RecoverVault,
    DeleteKey,
    DeleteVault,
    SetAssignment,
    Withdraw,
    SetVersionEnabled,
    SetExpiry,
    SetRotation,
    ImportMaterial,
    DeployTemplate,
];
