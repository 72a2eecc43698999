//! Clouds and identifiers: strict, case-blind, and printed as they were parsed.

use std::{
    collections::HashSet,
    fmt::{Debug, Display},
    hash::{DefaultHasher, Hash, Hasher},
    str::FromStr,
};

use cmk::azure::{
    cloud::{Cloud, Endpoints, HostKind},
    id::{
        ClientId, IdentityId, InvalidId, KeyId, KeyName, KeyVersion, Location, PrincipalId, RegistryId,
        ResourceGroupName, ResourceId, RoleId, SubscriptionId, TenantId, VaultHost, VaultId,
    },
};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

const SUB: &str = "01234567-89ab-cdef-0123-456789abcdef";
const VERSION: &str = "0123456789abcdef0123456789abcdef";

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn sub() -> SubscriptionId {
    SUB.parse().unwrap()
}

fn registry(name: &str) -> RegistryId {
    RegistryId::new(&sub(), "rg", name).unwrap()
}

/// What every identifier promises of a text it takes.
fn keeps_its_promises<T>(text: &str) -> T
where
    T: FromStr<Err = InvalidId> + Display + Debug + Eq + Ord + Hash + Serialize + DeserializeOwned,
{
    let id: T = text.parse().unwrap_or_else(|e| panic!("{e}"));
    let printed: T = id.to_string().parse().unwrap();
    assert_eq!(printed, id);
    assert_eq!(printed.to_string(), id.to_string());
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(json, serde_json::to_string(&id.to_string()).unwrap());
    let read: T = serde_json::from_str(&json).unwrap();
    assert_eq!(read.to_string(), id.to_string());
    for other in [text.to_ascii_uppercase(), text.to_ascii_lowercase()] {
        let other: T = other.parse().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(other, id);
        assert_eq!(hash(&other), hash(&id));
        assert!(other.cmp(&id).is_eq());
    }
    id
}

fn refuses<T: FromStr<Err = InvalidId> + Debug + DeserializeOwned>(text: &str) -> InvalidId {
    let json = serde_json::to_string(text).unwrap();
    assert!(serde_json::from_str::<T>(&json).is_err(), "serde took {text:?}");
    let error = text.parse::<T>().expect_err(text);
    let message = error.to_string();
    assert!(message.contains(error.rule) && !error.way_out.is_empty(), "{message}");
    assert!(!message.chars().any(char::is_control), "{message:?}");
    assert!(error.value.chars().count() <= 200 * 10 + 3);
    error
}

// --- clouds ---------------------------------------------------------------------------------------------------------

#[test]
fn r_cmk_36_each_cloud_has_endpoints_of_its_own() {
    let [public, china, gov] = Cloud::all_known();
    assert_eq!(public.arm_host(), "management.azure.com");
    assert_eq!(china.arm_host(), "management.chinacloudapi.cn");
    assert_eq!(gov.arm_host(), "management.usgovcloudapi.net");
    assert_eq!(public.arm_scope(), "https://management.azure.com/.default");
    assert_eq!(public.arm_audience(), "https://management.azure.com");
    assert_eq!(public.authority_host(), "login.microsoftonline.com");
    assert_eq!(china.authority_host(), "login.chinacloudapi.cn");
    assert_eq!(gov.authority_endpoint(), "https://login.microsoftonline.us");
    assert_eq!(china.vault_suffix(), "vault.azure.cn");
    assert_eq!(gov.hsm_suffix(), "managedhsm.usgovcloudapi.net");
    assert_eq!(gov.registry_suffix(), "azurecr.us");
    assert_eq!(gov.vault_audience(), "https://vault.usgovcloudapi.net");
}

#[test]
fn clouds_are_found_by_either_name_in_any_case() {
    for (name, cloud) in [
        ("public", Cloud::public()),
        ("AZURECLOUD", Cloud::public()),
        ("China", Cloud::china()),
        ("azurechinacloud", Cloud::china()),
        ("usgov", Cloud::us_gov()),
        ("AzureUSGovernment", Cloud::us_gov()),
    ] {
        assert_eq!(Cloud::by_name(name).unwrap(), cloud);
    }
    for name in ["", "azure", "AzureGermanCloud", "public ", "publi\u{17f}"] {
        assert_eq!(Cloud::by_name(name).unwrap_err().rule, "R-CMK-36");
    }
}

fn stack() -> Endpoints {
    Endpoints {
        name: "stack".into(),
        arm: "https://management.local.stack.example/".into(),
        arm_scope: "https://management.local.stack.example/.default".into(),
        authority: "https://login.stack.example".into(),
        vault_suffix: "Vault.stack.example".into(),
        vault_scope: "https://vault.stack.example/.default".into(),
        hsm_suffix: "hsm.stack.example".into(),
        hsm_scope: "https://hsm.stack.example/.default".into(),
        registry_suffix: "acr.stack.example".into(),
        registry_scope: "https://acr.stack.example/.default".into(),
        graph: Some("https://Graph.stack.example/".into()),
        logs: None,
        blob_suffix: Some("Blob.stack.example".into()),
    }
}

#[test]
fn clouds_are_written_as_a_name_or_as_a_table() {
    for cloud in Cloud::all_known() {
        let json = serde_json::to_string(&cloud).unwrap();
        assert_eq!(json, format!("\"{}\"", cloud.name()));
        assert_eq!(serde_json::from_str::<Cloud>(&json).unwrap(), cloud);
    }
    let cloud = Cloud::custom(stack()).unwrap();
    assert!(!cloud.is_known());
    assert_eq!(cloud.arm_endpoint(), "https://management.local.stack.example");
    let json = serde_json::to_value(&cloud).unwrap();
    assert_eq!(json["vault_suffix"], "vault.stack.example");
    assert_eq!(serde_json::from_value::<Cloud>(json).unwrap(), cloud);
    assert_eq!(cloud.graph_endpoint(), Some("https://graph.stack.example"));
    assert_eq!(cloud.scope(HostKind::Graph), Some("https://graph.stack.example/.default"));
    assert_eq!((cloud.logs_endpoint(), cloud.scope(HostKind::Logs)), (None, None));
}

#[test]
fn a_table_from_before_graph_and_logs_is_still_read() {
    let mut json = serde_json::to_value(stack()).unwrap();
    for member in ["graph", "logs", "blob_suffix"] {
        json.as_object_mut().unwrap().remove(member);
    }
    let cloud: Cloud = serde_json::from_value(json.clone()).unwrap();
    assert_eq!((cloud.graph_endpoint(), cloud.logs_endpoint()), (None, None));
    assert_eq!(
        serde_json::to_value(cloud.endpoints()).unwrap().as_object().unwrap().len(),
        10,
        "and written as it was"
    );
    for host in ["graph.stack.example", "logs.stack.example", "layers1.blob.stack.example"] {
        assert!(cloud.allows(&format!("https://{host}/").parse().unwrap()).is_err(), "{host}");
    }
}

#[test]
fn custom_clouds_are_https_only_and_pose_as_no_known_one() {
    type Spoil = fn(&mut Endpoints);
    let hostile: [(&str, Spoil); 16] = [
        ("http arm", |t| t.arm = "http://management.stack.example".into()),
        ("loopback arm", |t| t.arm = "https://127.0.0.1".into()),
        ("hex ip arm", |t| t.arm = "https://0x7f000001".into()),
        ("port", |t| t.arm = "https://management.stack.example:8443".into()),
        ("user", |t| t.authority = "https://u@login.stack.example".into()),
        ("path", |t| t.authority = "https://login.stack.example/adfs".into()),
        ("http scope", |t| t.vault_scope = "http://vault.stack.example/.default".into()),
        ("scope without default", |t| t.vault_scope = "https://vault.stack.example".into()),
        ("suffix of one label", |t| t.vault_suffix = "example".into()),
        ("empty suffix", |t| t.hsm_suffix = String::new()),
        ("suffix with dot", |t| t.hsm_suffix = ".hsm.stack.example".into()),
        ("shared suffix", |t| t.registry_suffix = "vault.stack.example".into()),
        ("http graph", |t| t.graph = Some("http://graph.stack.example".into())),
        ("path of logs", |t| t.logs = Some("https://logs.stack.example/v1".into())),
        ("shared blob suffix", |t| t.blob_suffix = Some("vault.stack.example".into())),
        ("known name", |t| t.name = "public".into()),
    ];
    for (what, spoil) in hostile {
        let mut table = stack();
        spoil(&mut table);
        assert!(Cloud::custom(table.clone()).is_err(), "{what}");
        let json = serde_json::to_value(&table).unwrap();
        assert!(serde_json::from_value::<Cloud>(json).is_err(), "{what} by serde");
    }
}

#[test]
fn r_cmk_36_tokens_go_to_the_clouds_own_hosts() {
    let cloud = Cloud::public();
    for (url, kind) in [
        ("https://management.azure.com/subscriptions/x?api-version=1", HostKind::Arm),
        ("https://management.azure.com:443/", HostKind::Arm),
        ("https://MANAGEMENT.Azure.COM/", HostKind::Arm),
        ("https://login.microsoftonline.com/t/oauth2/v2.0/token", HostKind::Authority),
        ("https://contoso.vault.azure.net/keys/k", HostKind::Vault),
        ("https://CONTOSO-1.vault.azure.net:443/keys/k?$skiptoken=x", HostKind::Vault),
        ("https://contoso.managedhsm.azure.net/keys/k", HostKind::Hsm),
        ("https://contoso.azurecr.io/v2/", HostKind::Registry),
        ("https://contoso-a1b2c3.azurecr.io/v2/", HostKind::Registry),
        ("https://contoso.westeurope.data.azurecr.io/v2/", HostKind::Registry),
        ("https://graph.microsoft.com/v1.0/me", HostKind::Graph),
        ("https://api.loganalytics.io/v1/workspaces/w/query", HostKind::Logs),
        ("https://weumanaged201.blob.core.windows.net/c/b?sig=x", HostKind::Blob),
    ] {
        assert_eq!(cloud.allows(&url.parse().unwrap()), Ok(kind), "{url}");
    }
    for host in [
        "contoso.data.azurecr.io",
        "contoso..data.azurecr.io",
        "contoso.x.westeurope.data.azurecr.io",
        "contoso.westeurope.dat.azurecr.io",
        "contoso.west-europe.data.azurecr.io",
        "x.graph.microsoft.com",
        "a.b.blob.core.windows.net",
        "blob.core.windows.net",
        "with-hyphen.blob.core.windows.net",
    ] {
        let refused = format!("https://{host}/").parse().is_ok_and(|url| cloud.allows(&url).is_err());
        assert!(refused, "{host}");
    }
    assert_eq!((cloud.scope(HostKind::Authority), cloud.scope(HostKind::Blob)), (None, None));
    assert_eq!(cloud.scope(HostKind::Logs), Some("https://api.loganalytics.io/.default"));
    let graphs: Vec<_> = Cloud::all_known().iter().map(|c| c.scope(HostKind::Graph).unwrap().to_owned()).collect();
    let expected = ["graph.microsoft.com", "microsoftgraph.chinacloudapi.cn", "graph.microsoft.us"];
    assert_eq!(graphs, expected.map(|host| format!("https://{host}/.default")));
    assert_eq!(cloud.scope(HostKind::Hsm), Some("https://managedhsm.azure.net/.default"));
}

#[test]
fn r_cmk_36_tokens_go_to_no_foreign_host() {
    for url in [
        "http://management.azure.com/",
        "http://contoso.vault.azure.net:443/",
        "ftp://management.azure.com/",
        "wss://management.azure.com/",
        "https://management.azure.com:8443/",
        "https://management.azure.com:80/",
        "https://user@management.azure.com/",
        "https://:pass@management.azure.com/",
        "https://management.azure.com@evil.example/",
        "https://evil.example\\@management.azure.com/",
        "https://evil.example#@management.azure.com/",
        "https://evil.example?.vault.azure.net/",
        "https://management.azure.com.evil.example/",
        "https://management.azure.com./",
        "https://xmanagement.azure.com/",
        "https://sub.management.azure.com/",
        "https://management.core.windows.net/",
        "https://contoso.vault.azure.net.evil.example/",
        "https://contoso.vault.azure.net./",
        "https://evilvault.azure.net/",
        "https://vault.azure.net/",
        "https://.vault.azure.net/",
        "https://a.b.vault.azure.net/",
        "https://evil.example%2F.vault.azure.net/",
        "https://xn--contoso-9ub.vault.azure.net/",
        "https://xn--80ak6aa92e.azurecr.io/",
        "https://c\u{f6}ntoso.vault.azure.net/",
        "https://contoso.vault.\u{430}zure.net/",
        "https://contoso.vault.azure.cn/",
        "https://management.chinacloudapi.cn/",
        "https://contoso.privatelink.vaultcore.azure.net/",
        "https://ab.vault.azure.net/",
        "https://1contoso.vault.azure.net/",
        "https://-contoso.azurecr.io/",
        "https://con_toso.azurecr.io/",
        "https://evil.example.data.azurecr.io.evil.example/",
        "https://azurecr.io/",
        "https://127.0.0.1/",
        "https://169.254.169.254/metadata/identity/oauth2/token",
        "https://[::1]/",
        "https://0x7f.1/",
        "https://localhost/",
        "data:text/plain,management.azure.com",
    ] {
        // What does not even parse goes nowhere.
        let Ok(parsed) = url.parse::<Url>() else { continue };
        let refused = Cloud::public().allows(&parsed).expect_err(url).to_string();
        assert!(!refused.contains('?') && !refused.contains('/'), "a query or path leaks: {refused}");
    }
    // A backslash is a slash to the URL standard, so this one does go to ARM, user info and all is path.
    let url: Url = "https://management.azure.com\\@evil.example/".parse().unwrap();
    assert_eq!(url.host_str(), Some("management.azure.com"));
}

// --- names and GUIDs ------------------------------------------------------------------------------------------------

#[test]
fn guids_are_taken_hyphenated_only() {
    keeps_its_promises::<SubscriptionId>(SUB);
    keeps_its_promises::<TenantId>("ABCDEF00-0000-4000-8000-00000000000a");
    keeps_its_promises::<ClientId>("00000000-0000-0000-0000-000000000000");
    keeps_its_promises::<PrincipalId>(SUB);
    for text in [
        "",
        "system",
        "0123456789abcdef0123456789abcdef",
        "{01234567-89ab-cdef-0123-456789abcdef}",
        "urn:uuid:01234567-89ab-cdef-0123-456789abcdef",
        " 01234567-89ab-cdef-0123-456789abcdef",
        "01234567-89ab-cdef-0123-456789abcdeg",
        "\u{ff10}1234567-89ab-cdef-0123-456789abcd",
    ] {
        assert_eq!(refuses::<ClientId>(text).rule, "R-CMK-07");
        assert_eq!(refuses::<PrincipalId>(text).rule, "R-CMK-08");
    }
}

#[test]
fn r_kv_32_roles_are_named_by_guid() {
    let role = RoleId::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER;
    assert_eq!(role.to_string(), "e147488a-f6f5-4113-8e2d-b22465e65bf6");
    assert_eq!(RoleId::KEY_VAULT_CRYPTO_OFFICER.to_string(), "14b46e9e-c2b7-41b4-b07b-48a6ebf60603");
    assert_eq!(RoleId::HSM_CRYPTO_USER.to_string(), "21dbd100-6940-42c2-9190-5d6cb909625b");
    let definition = role.definition_in(&sub());
    assert_eq!(RoleId::of_definition(&definition).unwrap(), role);
    assert_eq!(RoleId::of_definition(&definition.to_uppercase()).unwrap(), role);
    let tenant_wide = format!("/providers/Microsoft.Authorization/roleDefinitions/{role}");
    assert_eq!(RoleId::of_definition(&tenant_wide).unwrap(), role);
    for text in [role.to_string(), format!("{definition}/"), definition.replace("roleDefinitions", "roleAssignments")] {
        assert!(RoleId::of_definition(&text).is_err(), "{text}");
    }
}

#[test]
fn r_arm_22_group_names_and_locations_compare_without_case() {
    keeps_its_promises::<ResourceGroupName>("Rg_(1).a-b");
    keeps_its_promises::<ResourceGroupName>(&"x".repeat(90));
    for text in ["", "rg.", "r g", "r/g", "rg?", "rg%2f", "..", &"x".repeat(91)] {
        assert_eq!(refuses::<ResourceGroupName>(text).rule, "R-ARM-22");
    }
    let spelled = keeps_its_promises::<Location>("West Europe");
    let short = keeps_its_promises::<Location>("westeurope");
    assert_eq!(spelled, short);
    assert_eq!(hash(&spelled), hash(&short));
    assert_eq!(spelled.key(), "westeurope");
    assert_eq!(spelled.to_string(), "West Europe");
    for text in ["", " ", " westeurope", "west/europe", "west-europe", "2west", "w\u{e9}st"] {
        refuses::<Location>(text);
    }
}

#[test]
fn r_kv_10_key_names_and_versions() {
    keeps_its_promises::<KeyName>("Acr-CMK-1");
    keeps_its_promises::<KeyName>(&"k".repeat(127));
    for text in ["", "a_b", "a.b", "a/b", "k\u{e9}y", "k ", &"k".repeat(128)] {
        assert_eq!(refuses::<KeyName>(text).rule, "R-KV-10");
    }
    keeps_its_promises::<KeyVersion>(VERSION);
    for text in ["", "latest", &VERSION[1..], &format!("{VERSION}0"), &VERSION.replace('a', "g"), SUB] {
        assert_eq!(refuses::<KeyVersion>(text).rule, "R-KV-10");
    }
}

// --- resources ------------------------------------------------------------------------------------------------------

#[test]
fn resource_ids_know_their_parts() {
    let text = format!("/subscriptions/{SUB}/resourcegroups/Rg/providers/Microsoft.KeyVault/vaults/V1/keys/K");
    let id = keeps_its_promises::<ResourceId>(&text);
    assert_eq!(id.to_string(), text);
    assert_eq!(id.subscription(), &sub());
    assert_eq!(id.resource_group().unwrap().as_str(), "Rg");
    assert_eq!(id.provider(), Some("Microsoft.KeyVault"));
    assert_eq!(id.resource_type().as_deref(), Some("Microsoft.KeyVault/vaults/keys"));
    assert_eq!(id.name(), "K");
    assert_eq!(id.key(), text.to_lowercase());

    let vault = id.parent().unwrap();
    assert_eq!(vault.to_string(), text.strip_suffix("/keys/K").unwrap());
    let group = vault.parent().unwrap();
    assert_eq!((group.name(), group.resource_type()), ("Rg", None));
    let subscription = group.parent().unwrap();
    assert_eq!((subscription.name(), subscription.resource_group()), (SUB, None));
    assert_eq!(subscription.parent(), None);
    assert_eq!(subscription, ResourceId::of_subscription(&sub()));
    assert_eq!(group, ResourceId::of_group(&sub(), &"rg".parse().unwrap()));

    assert!(id.is_within(&vault) && id.is_within(&group) && id.is_within(&id) && !vault.is_within(&id));
    let sibling: ResourceId = format!("{vault}2").parse().unwrap();
    assert!(!sibling.is_within(&vault));

    let assignment = vault.extension("Microsoft.Authorization", "roleAssignments", SUB).unwrap();
    assert_eq!(assignment.provider(), Some("Microsoft.Authorization"));
    assert_eq!(assignment.resource_type().as_deref(), Some("Microsoft.Authorization/roleAssignments"));
    assert_eq!(assignment.parent().unwrap(), vault);
    assert_eq!(assignment.parent().unwrap().parent().unwrap(), group);
    assert_eq!(vault.child("keys", "K").unwrap(), id);
    assert!(group.child("keys", "K").is_err());
    let wide = subscription.extension("Microsoft.Authorization", "locks", "l").unwrap();
    assert_eq!((wide.resource_group(), wide.parent().unwrap()), (None, subscription));
}

#[test]
fn r_arm_22_resource_ids_are_whole_and_clean() {
    let group = format!("/subscriptions/{SUB}/resourceGroups/rg");
    for text in [
        String::new(),
        "/".into(),
        "contoso".into(),
        "/subscriptions".into(),
        "/subscriptions/".into(),
        "/subscriptions/not-a-guid".into(),
        format!("subscriptions/{SUB}"),
        format!("//subscriptions/{SUB}"),
        format!("/subscriptions/{SUB}/"),
        format!("/subscriptions/{SUB}/resourceGroups"),
        format!("/subscriptions/{SUB}/resourceGroups/"),
        format!("/subscriptions/{SUB}/resourceGroups/.."),
        format!("/subscriptions/{SUB}/locations/westeurope"),
        format!("{group}/"),
        format!("{group}/resourceGroups/rg"),
        format!("{group}/providers"),
        format!("{group}/providers/Microsoft.KeyVault"),
        format!("{group}/providers/Microsoft.KeyVault/vaults"),
        format!("{group}/providers/Microsoft.KeyVault/vaults/"),
        format!("{group}/providers/Microsoft.KeyVault/vaults/v/"),
        format!("{group}/providers/Microsoft.KeyVault/vaults/v/keys"),
        format!("{group}/providers/Microsoft.KeyVault/vaults/.."),
        format!("{group}/providers/Microsoft.KeyVault/vaults/v?api-version=1"),
        format!("{group}/providers/Microsoft.KeyVault/vaults/v#f"),
        format!("{group}/providers/Microsoft.KeyVault/vaults/v%2Fkeys"),
        format!("{group}/providers/Microsoft.KeyVault/vaults/v\\keys"),
        format!("{group}/providers/Microsoft.KeyVault/vaults/v\n"),
        format!("{group}/providers/Microsoft.KeyVault/vaults/ v"),
        format!("{group}/providers/Microsoft.KeyVault/providers/v"),
        format!("{group}/providers/../vaults/v"),
        format!("{group}/providers/Microsoft..KeyVault/vaults/v"),
        "/providers/Microsoft.Management/managementGroups/mg".into(),
        format!("{group}/providers/Microsoft.KeyVault/vaults/{}", "v".repeat(3000)),
    ] {
        assert_eq!(refuses::<ResourceId>(&text).rule, "R-ARM-22");
    }
}

#[test]
fn typed_ids_check_type_and_name() {
    let text =
        format!("/subscriptions/{SUB}/resourcegroups/Rg/providers/microsoft.containerregistry/Registries/Contoso1");
    let id = keeps_its_promises::<RegistryId>(&text);
    assert_eq!((id.name(), id.group().as_str(), id.subscription()), ("Contoso1", "Rg", &sub()));
    assert_eq!(id.to_string(), text);
    assert_eq!(id, RegistryId::new(&sub(), "rG", "contoso1").unwrap());
    assert_eq!(id.resource().key(), text.to_lowercase());
    keeps_its_promises::<VaultId>(VaultId::new(&sub(), "rg", "V-1").unwrap().as_str());
    keeps_its_promises::<IdentityId>(IdentityId::new(&sub(), "rg", "1_id-x").unwrap().as_str());

    // One is no other, nor is a nested or extension resource of one.
    refuses::<VaultId>(&text);
    refuses::<IdentityId>(&text);
    refuses::<RegistryId>(&format!("{text}/replications/westus"));
    refuses::<RegistryId>(&format!("{text}/providers/Microsoft.ContainerRegistry/registries/contoso2"));
    refuses::<RegistryId>(&format!("/subscriptions/{SUB}/providers/Microsoft.ContainerRegistry/registries/contoso"));
    refuses::<VaultId>(&format!(
        "/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.KeyVault/managedHSMs/hsm1"
    ));
}

#[test]
fn r_arm_20_registry_names() {
    for name in ["abcde", "1abcd", &"r".repeat(50)] {
        registry(name);
    }
    for name in ["", "abcd", "abc-de", "abc_de", "abc.de", "\u{e0}bcdef", &"r".repeat(51)] {
        assert_eq!(RegistryId::new(&sub(), "rg", name).unwrap_err().rule, "R-ARM-20", "{name}");
    }
    assert_eq!(RegistryId::new(&sub(), "rg.", "abcde").unwrap_err().rule, "R-ARM-22");
}

#[test]
fn r_kv_01_vault_names() {
    for name in ["abc", "A-b-1", &"v".repeat(24)] {
        VaultId::new(&sub(), "rg", name).unwrap();
    }
    for name in ["", "ab", "1abc", "-abc", "abc-", "a--b", "a_b", "a.b", "ab\u{e9}", &"v".repeat(25)] {
        assert_eq!(VaultId::new(&sub(), "rg", name).unwrap_err().rule, "R-KV-01", "{name}");
    }
}

#[test]
fn r_arm_21_identity_names() {
    for name in ["abc", "1-_", &"i".repeat(128)] {
        IdentityId::new(&sub(), "rg", name).unwrap();
    }
    for name in ["", "ab", "-abc", "_abc", "a.bc", "a bc", &"i".repeat(129)] {
        assert_eq!(IdentityId::new(&sub(), "rg", name).unwrap_err().rule, "R-ARM-21", "{name}");
    }
}

#[test]
fn what_people_paste_instead_of_an_id_is_answered_with_the_command_that_prints_it() {
    for text in ["contoso.azurecr.io", "https://contoso.azurecr.io/", "contoso"] {
        let error = refuses::<RegistryId>(text);
        assert!(error.way_out.contains("az acr show -n contoso --query id"), "{error}");
    }
    assert!(refuses::<RegistryId>("contoso.azurecr.io").to_string().contains("login server"));
    assert!(refuses::<VaultId>("https://myvault.vault.azure.net/").way_out.contains("az keyvault show -n myvault"));
    assert!(refuses::<IdentityId>("my-id").way_out.contains("-n my-id"));
    assert!(refuses::<IdentityId>(SUB).way_out.contains("GUID"));
    let error = refuses::<RegistryId>(&format!("evil\u{1b}[31m\u{202e}{}", "x".repeat(500)));
    assert!(error.to_string().len() < 600 && !error.to_string().contains('\u{202e}'), "{error}");
}

// --- keys -----------------------------------------------------------------------------------------------------------

#[test]
fn r_cmk_36_key_ids_are_read_with_their_usual_variations() {
    let cloud = Cloud::public();
    for (text, printed) in [
        ("https://contoso.vault.azure.net/keys/K1", "https://contoso.vault.azure.net/keys/K1"),
        ("https://Contoso.VAULT.azure.net/keys/K1", "https://contoso.vault.azure.net/keys/K1"),
        ("HTTPS://contoso.vault.azure.net:443/Keys/K1/", "https://contoso.vault.azure.net/keys/K1"),
    ] {
        let key = KeyId::parse(&cloud, text).unwrap();
        assert_eq!(key.to_string(), printed);
        assert_eq!(key.version(), None);
        assert_eq!((key.host().label(), key.is_hsm()), ("contoso", false));
    }
    let pinned = format!("https://contoso.vault.azure.net/keys/K1/{VERSION}");
    let key = keeps_its_promises::<KeyId>(&pinned);
    assert_eq!(key.version().unwrap().as_str(), VERSION);
    assert_eq!(KeyId::parse(&cloud, &format!("{pinned}/")).unwrap(), key);
    assert_eq!(key.versionless().to_string(), "https://contoso.vault.azure.net/keys/K1");
    assert_eq!(key.versionless().with_version(VERSION.parse().unwrap()), key);
    assert!(key.same_key(&key.versionless()) && key != key.versionless());
    assert!(key.same_version(&key) && !key.same_version(&key.versionless()));
    assert!(!key.versionless().same_version(&key.versionless()));
    let other: KeyId = "https://contoso2.vault.azure.net/keys/k1".parse().unwrap();
    assert!(!key.same_key(&other));
}

#[test]
fn r_cmk_10_managed_hsm_keys_are_told_apart() {
    let key = KeyId::parse(&Cloud::public(), "https://myhsm.managedhsm.azure.net/keys/k").unwrap();
    assert!(key.is_hsm() && key.host().is_hsm());
    assert_eq!(key.host().url(), "https://myhsm.managedhsm.azure.net");
    let vault = KeyId::parse(&Cloud::public(), "https://myhsm.vault.azure.net/keys/k").unwrap();
    assert!(!vault.is_hsm() && !vault.same_key(&key));
}

#[test]
fn r_cmk_36_what_is_no_key_id_is_refused_with_its_reason() {
    for (text, reason) in [
        ("", "give https://"),
        ("contoso.vault.azure.net/keys/k", "give https://"),
        ("http://contoso.vault.azure.net/keys/k", "use https"),
        ("https://contoso.vault.azure.net/secrets/k", "secret"),
        ("https://contoso.vault.azure.net/certificates/k", "certificate"),
        ("https://contoso.vault.azure.net/deletedkeys/k", "deleted"),
        ("https://contoso.vault.azure.net/keys", "give https://"),
        ("https://contoso.vault.azure.net/keys/", "give https://"),
        ("https://contoso.vault.azure.net/keys//", "1 to 127"),
        ("https://contoso.vault.azure.net//keys/k", "give https://"),
        ("https://contoso.vault.azure.net/", "give https://"),
        ("https://contoso.vault.azure.net/keys/k?api-version=7.4", "query"),
        ("https://contoso.vault.azure.net/keys/k#f", "fragment"),
        ("https://contoso.vault.azure.net/keys/k/v", "32 hex"),
        ("https://contoso.vault.azure.net/keys/k/0123456789abcdef0123456789abcdef/x", "nothing comes after"),
        ("https://contoso.vault.azure.net/keys/k/0123456789abcdef0123456789abcdef//", "nothing comes after"),
        ("https://contoso.vault.azure.net/keys/k/../j", "32 hex"),
        ("https://contoso.vault.azure.net/keys/%6b", "character %"),
        ("https://contoso.vault.azure.net\\keys\\k", "character"),
        ("https://u:p@contoso.vault.azure.net/keys/k", "user info"),
        ("https://contoso.vault.azure.net:8443/keys/k", "port"),
        ("https://contoso.vault.azure.net:/keys/k", "port"),
        ("https://contoso.vault.azure.net:443:443/keys/k", "port"),
        ("https://contoso.vault.azure.net./keys/k", "dot"),
        ("https://contoso.vault.azure.net.evil.example/keys/k", "suffix"),
        ("https://evilvault.azure.net/keys/k", "suffix"),
        ("https://a.contoso.vault.azure.net/keys/k", "suffix"),
        ("https://contoso.azurecr.io/keys/k", "another service"),
        ("https://management.azure.com/keys/k", "another service"),
        ("https://127.0.0.1/keys/k", "suffix"),
        ("https://[::1]/keys/k", "port"),
        ("https://c\u{f6}ntoso.vault.azure.net/keys/k", "character"),
        ("https://xn--cntoso-zxa.vault.azure.net/keys/k", "R-KV-01"),
        (" https://contoso.vault.azure.net/keys/k", "give https://"),
        ("https://contoso.vault.azure.net/keys/k\n", "character"),
    ] {
        let error = refuses::<KeyId>(text);
        assert!(error.to_string().contains(reason), "{text}: {error}");
        assert!(KeyId::parse(&Cloud::public(), text).is_err());
    }
    refuses::<KeyId>(&format!("https://contoso.vault.azure.net/keys/{}", "k".repeat(600)));
}

#[test]
fn r_cmk_36_a_key_belongs_to_one_cloud() {
    let key: KeyId = "https://contoso.vault.azure.cn/keys/k".parse().unwrap();
    assert!(key.host().is_in(&Cloud::china()) && !key.host().is_in(&Cloud::public()));
    assert!(KeyId::parse(&Cloud::china(), &key.to_string()).is_ok());
    assert!(KeyId::parse(&Cloud::public(), &key.to_string()).is_err());
    let custom = Cloud::custom(stack()).unwrap();
    let text = "https://contoso.vault.stack.example/keys/k";
    assert_eq!(KeyId::parse(&custom, text).unwrap().to_string(), text);
    refuses::<KeyId>(text);
}

#[test]
fn vault_hosts_come_from_ids_names_and_uris() {
    let cloud = Cloud::public();
    let host = VaultId::new(&sub(), "rg", "Contoso-1").unwrap().host(&cloud);
    assert_eq!(host.as_str(), "contoso-1.vault.azure.net");
    for text in
        ["https://contoso-1.vault.azure.net/", "https://Contoso-1.vault.azure.net:443", "contoso-1.vault.azure.net"]
    {
        assert_eq!(VaultHost::parse(&cloud, text).unwrap(), host);
    }
    keeps_its_promises::<VaultHost>("contoso.managedhsm.usgovcloudapi.net");
    for text in [
        "",
        "contoso",
        "http://contoso.vault.azure.net",
        "https://contoso.vault.azure.net/keys",
        "contoso.vault.azure.net//",
    ] {
        assert_eq!(refuses::<VaultHost>(text).rule, "R-CMK-36");
    }
}

#[test]
fn derived_names_are_valid_stable_and_told_apart() {
    let long = registry(&"Contoso0123456789".repeat(2));
    let vault = VaultId::derived_from(&long);
    assert_eq!(vault, keeps_its_promises::<VaultId>(vault.as_str()));
    assert_eq!(vault.name().len(), 24);
    assert_eq!(vault.group(), long.group());
    assert_eq!(IdentityId::derived_from(&registry("contoso")).name().split('-').count(), 3);
    assert_eq!(KeyName::derived_from(&registry("Contoso")).as_str(), "contoso-cmk");
    // Pinned: a name that changes between versions would make a second vault.
    assert_eq!(VaultId::derived_from(&registry("contoso")).name(), "kv-contoso-e97637");
    // The same registry in another spelling has the same names; another registry of that name has others.
    assert_eq!(VaultId::derived_from(&registry("CONTOSO")), VaultId::derived_from(&registry("contoso")));
    let elsewhere = RegistryId::new(&sub(), "rg2", "contoso").unwrap();
    assert_ne!(VaultId::derived_from(&elsewhere).name(), VaultId::derived_from(&registry("contoso")).name());
}

// --- properties -----------------------------------------------------------------------------------------------------

fn never_panics_and_round_trips<T>(text: &str)
where
    T: FromStr<Err = InvalidId> + Display + Debug + Eq + Hash,
{
    match text.parse::<T>() {
        Ok(id) => {
            let again: T = id.to_string().parse().unwrap();
            assert_eq!(again, id);
            assert_eq!(hash(&again), hash(&id));
        }
        Err(error) => assert!(!error.to_string().chars().any(char::is_control)),
    }
}

/// The text with the case of its ASCII letters flipped where the mask says so.
fn flipped(text: &str, mask: u64) -> String {
    let flip = |(n, c): (usize, char)| {
        if mask >> (n % 64) & 1 == 0 {
            c
        } else if c.is_ascii_lowercase() {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        }
    };
    text.chars().enumerate().map(flip).collect()
}

fn key_id() -> impl Strategy<Value = String> {
    let suffix = prop_oneof![Just("vault.azure.net"), Just("managedhsm.azure.net"), Just("vault.azure.cn")];
    ("[a-z][a-z0-9]{1,10}(-[a-z0-9]{1,5})?", suffix, "[A-Za-z0-9-]{1,127}", prop::option::of("[0-9a-f]{32}")).prop_map(
        |(label, suffix, name, version)| {
            let version = version.map(|v| format!("/{v}")).unwrap_or_default();
            format!("https://{label}xx.{suffix}/keys/{name}{version}")
        },
    )
}

fn resource_id() -> impl Strategy<Value = String> {
    let level =
        "[a-z][A-Za-z0-9]{0,9}/[A-Za-z0-9_.() -]{0,9}[A-Za-z0-9]".prop_filter("no slip into a provider", |level| {
            let (kind, name) = level.split_once('/').unwrap();
            !kind.eq_ignore_ascii_case("providers") && name.trim() == name
        });
    let chain =
        prop::collection::vec(level, 1..4).prop_map(|levels| format!("/providers/Ns.Some/{}", levels.join("/")));
    (
        "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        prop::option::of("[A-Za-z0-9_()-]{1,90}"),
        prop::collection::vec(chain, 0..3),
    )
        .prop_map(|(sub, group, chains)| {
            let group = group.map(|group| format!("/resourceGroups/{group}")).unwrap_or_default();
            format!("/subscriptions/{sub}{group}{}", chains.concat())
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_taken_whole_or_refused(text in any::<String>(), near in "(https://)?[a-z.:/@\\\\%?#-]{0,40}(vault\\.azure\\.net)?[/a-z]{0,20}") {
        for text in [text, near] {
            never_panics_and_round_trips::<SubscriptionId>(&text);
            never_panics_and_round_trips::<ResourceGroupName>(&text);
            never_panics_and_round_trips::<Location>(&text);
            never_panics_and_round_trips::<ResourceId>(&text);
            never_panics_and_round_trips::<RegistryId>(&text);
            never_panics_and_round_trips::<VaultId>(&text);
            never_panics_and_round_trips::<IdentityId>(&text);
            never_panics_and_round_trips::<VaultHost>(&text);
            never_panics_and_round_trips::<KeyName>(&text);
            never_panics_and_round_trips::<KeyId>(&text);
            let _ = Cloud::by_name(&text);
            let _ = RoleId::of_definition(&text);
        }
    }

    #[test]
    fn r_kv_10_key_ids_round_trip_and_compare_without_case(text in key_id(), mask in any::<u64>()) {
        let key: KeyId = text.parse().unwrap();
        prop_assert_eq!(key.to_string(), text.clone());
        let other: KeyId = flipped(&text, mask).parse().unwrap();
        prop_assert_eq!(&other, &key);
        prop_assert_eq!(hash(&other), hash(&key));
        prop_assert!(other.same_key(&key.versionless()));
        prop_assert_eq!(other.same_version(&key), key.version().is_some());
        let url: Url = text.parse().unwrap();
        let kind = if key.is_hsm() { HostKind::Hsm } else { HostKind::Vault };
        prop_assert!(Cloud::all_known().iter().any(|cloud| cloud.allows(&url) == Ok(kind)));
    }

    #[test]
    fn r_arm_22_resource_ids_round_trip_and_compare_without_case(text in resource_id(), mask in any::<u64>()) {
        let id: ResourceId = text.parse().unwrap();
        prop_assert_eq!(id.to_string(), text.clone());
        let other: ResourceId = flipped(&text, mask).parse().unwrap();
        prop_assert_eq!(&other, &id);
        prop_assert_eq!(hash(&other), hash(&id));
        prop_assert_eq!(HashSet::from([id.clone(), other]).len(), 1);
        if let Some(parent) = id.parent() {
            prop_assert!(id.is_within(&parent));
            let parsed: ResourceId = parent.to_string().parse().unwrap();
            prop_assert_eq!(parsed.resource_type(), parent.resource_type());
            prop_assert_eq!(parsed.name(), parent.name());
            prop_assert_eq!(parsed.parent(), parent.parent());
        }
    }

    /// Whatever URL is allowed, its host is one of the cloud's by the plainest of readings.
    #[test]
    fn r_cmk_36_no_url_slips_through(prefix in "[a-zA-Z0-9.@:\\\\/_%-]{0,20}", host in "(management\\.azure\\.com|vault\\.azure\\.net|azurecr\\.io)", rest in "[a-z.:@/0-9]{0,20}") {
        if let Ok(url) = format!("https://{prefix}{host}{rest}").parse::<Url>()
            && let Ok(kind) = Cloud::public().allows(&url)
        {
            let host = url.host_str().unwrap();
            prop_assert_eq!(url.port_or_known_default(), Some(443));
            prop_assert!(url.username().is_empty());
            match kind {
                HostKind::Arm => prop_assert_eq!(host, "management.azure.com"),
                HostKind::Vault => prop_assert_eq!(host.split_once('.').unwrap().1, "vault.azure.net"),
                HostKind::Registry => {
                    let below = host.split_once('.').unwrap().1;
                    let data = below.strip_suffix(".data.azurecr.io").is_some_and(|region| !region.contains('.'));
                    prop_assert!(below == "azurecr.io" || data, "{}", host);
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn r_kv_01_derived_names_are_always_valid(name in "[A-Za-z0-9]{5,50}", group in "[A-Za-z0-9_-]{1,90}") {
        let registry = RegistryId::new(&sub(), &group, &name).unwrap();
        let vault = VaultId::derived_from(&registry);
        prop_assert_eq!(&VaultId::new(&sub(), &group, vault.name()).unwrap(), &vault);
        let identity = IdentityId::derived_from(&registry);
        prop_assert_eq!(&IdentityId::new(&sub(), &group, identity.name()).unwrap(), &identity);
        prop_assert!(vault.name().len() <= 24 && identity.name().len() <= 24);
        let key = KeyName::derived_from(&registry);
        prop_assert_eq!(key.as_str().parse::<KeyName>().unwrap(), key);
    }
}
