//! What a registry is, from one model to the other.

use super::{
    DoesNotFit, EncryptionProperty, Fit, Fits, IpRule, KeyVaultProperties, NetworkRuleSet, Policies, Policy,
    PrivateEndpoint, PrivateEndpointConnection, PrivateEndpointConnectionProperties, PrivateLinkState,
    RegistryProperties, RegistryStatus, list, models, part, required, spelled, unless_empty, word,
};

impl Fit<models::RegistryProperties> for RegistryProperties {
    fn fit(&self) -> Fits<models::RegistryProperties> {
        let Self {
            login_server,
            creation_date,
            provisioning_state,
            status,
            admin_user_enabled,
            network_rule_set,
            policies,
            encryption,
            data_endpoint_enabled,
            data_endpoint_host_names,
            private_endpoint_connections,
            public_network_access,
            network_rule_bypass_options,
            zone_redundancy,
            // Younger than their model.
            network_rule_bypass_allowed_for_tasks: _,
            anonymous_pull_enabled: _,
            role_assignment_mode: _,
        } = self;
        Ok(models::RegistryProperties {
            login_server: login_server.clone(),
            creation_date: part("creationDate", creation_date.as_ref())?,
            provisioning_state: word("provisioningState", provisioning_state.as_ref())?,
            status: part("status", status.as_ref())?,
            admin_user_enabled: *admin_user_enabled,
            network_rule_set: part("networkRuleSet", network_rule_set.as_ref())?,
            policies: part("policies", policies.as_ref())?,
            encryption: part("encryption", encryption.as_ref())?,
            data_endpoint_enabled: *data_endpoint_enabled,
            data_endpoint_host_names: data_endpoint_host_names.clone(),
            private_endpoint_connections: list("privateEndpointConnections", private_endpoint_connections)?,
            public_network_access: word("publicNetworkAccess", public_network_access.as_ref())?,
            network_rule_bypass_options: word("networkRuleBypassOptions", network_rule_bypass_options.as_ref())?,
            zone_redundancy: word("zoneRedundancy", zone_redundancy.as_ref())?,
        })
    }
}

impl Fit<RegistryProperties> for models::RegistryProperties {
    fn fit(&self) -> Fits<RegistryProperties> {
        let Self {
            login_server,
            creation_date,
            provisioning_state,
            status,
            admin_user_enabled,
            network_rule_set,
            policies,
            encryption,
            data_endpoint_enabled,
            data_endpoint_host_names,
            private_endpoint_connections,
            public_network_access,
            network_rule_bypass_options,
            zone_redundancy,
        } = self;
        Ok(RegistryProperties {
            login_server: login_server.clone(),
            creation_date: part("creationDate", creation_date.as_ref())?,
            provisioning_state: spelled("provisioningState", provisioning_state.as_ref())?,
            status: part("status", status.as_ref())?,
            admin_user_enabled: *admin_user_enabled,
            network_rule_set: part("networkRuleSet", network_rule_set.as_ref())?,
            policies: part("policies", policies.as_ref())?,
            encryption: part("encryption", encryption.as_ref())?,
            data_endpoint_enabled: *data_endpoint_enabled,
            data_endpoint_host_names: data_endpoint_host_names.clone(),
            private_endpoint_connections: list("privateEndpointConnections", private_endpoint_connections)?,
            public_network_access: spelled("publicNetworkAccess", public_network_access.as_ref())?,
            network_rule_bypass_options: spelled("networkRuleBypassOptions", network_rule_bypass_options.as_ref())?,
            zone_redundancy: spelled("zoneRedundancy", zone_redundancy.as_ref())?,
            network_rule_bypass_allowed_for_tasks: None,
            anonymous_pull_enabled: None,
            role_assignment_mode: None,
        })
    }
}

impl Fit<models::Status> for RegistryStatus {
    fn fit(&self) -> Fits<models::Status> {
        let Self { display_status, message, timestamp } = self;
        Ok(models::Status {
            display_status: display_status.clone(),
            message: message.clone(),
            timestamp: part("timestamp", timestamp.as_ref())?,
        })
    }
}

impl Fit<RegistryStatus> for models::Status {
    fn fit(&self) -> Fits<RegistryStatus> {
        let Self { display_status, message, timestamp } = self;
        Ok(RegistryStatus {
            display_status: display_status.clone(),
            message: message.clone(),
            timestamp: part("timestamp", timestamp.as_ref())?,
        })
    }
}

// ---- encryption -----------------------------------------------------------------------------------------------------

impl Fit<models::EncryptionProperty> for EncryptionProperty {
    fn fit(&self) -> Fits<models::EncryptionProperty> {
        let Self { status, key_vault_properties } = self;
        Ok(models::EncryptionProperty {
            status: word("status", status.as_ref())?,
            key_vault_properties: part("keyVaultProperties", key_vault_properties.as_ref())?,
        })
    }
}

impl Fit<EncryptionProperty> for models::EncryptionProperty {
    fn fit(&self) -> Fits<EncryptionProperty> {
        let Self { status, key_vault_properties } = self;
        Ok(EncryptionProperty {
            status: spelled("status", status.as_ref())?,
            key_vault_properties: part("keyVaultProperties", key_vault_properties.as_ref())?,
        })
    }
}

impl Fit<models::KeyVaultProperties> for KeyVaultProperties {
    fn fit(&self) -> Fits<models::KeyVaultProperties> {
        let Self {
            key_identifier,
            versioned_key_identifier,
            identity,
            key_rotation_enabled,
            last_key_rotation_timestamp,
        } = self;
        Ok(models::KeyVaultProperties {
            key_identifier: key_identifier.clone(),
            versioned_key_identifier: versioned_key_identifier.clone(),
            identity: identity.clone(),
            key_rotation_enabled: *key_rotation_enabled,
            last_key_rotation_timestamp: part("lastKeyRotationTimestamp", last_key_rotation_timestamp.as_ref())?,
        })
    }
}

impl Fit<KeyVaultProperties> for models::KeyVaultProperties {
    fn fit(&self) -> Fits<KeyVaultProperties> {
        let Self {
            key_identifier,
            versioned_key_identifier,
            identity,
            key_rotation_enabled,
            last_key_rotation_timestamp,
        } = self;
        Ok(KeyVaultProperties {
            key_identifier: key_identifier.clone(),
            versioned_key_identifier: versioned_key_identifier.clone(),
            identity: identity.clone(),
            key_rotation_enabled: *key_rotation_enabled,
            last_key_rotation_timestamp: part("lastKeyRotationTimestamp", last_key_rotation_timestamp.as_ref())?,
        })
    }
}

// ---- network --------------------------------------------------------------------------------------------------------

impl Fit<models::NetworkRuleSet> for NetworkRuleSet {
    fn fit(&self) -> Fits<models::NetworkRuleSet> {
        let Self { default_action, ip_rules } = self;
        let default_action = required("defaultAction", word("defaultAction", default_action.as_ref())?)?;
        Ok(models::NetworkRuleSet { default_action, ip_rules: list("ipRules", ip_rules)? })
    }
}

impl Fit<NetworkRuleSet> for models::NetworkRuleSet {
    fn fit(&self) -> Fits<NetworkRuleSet> {
        let Self { default_action, ip_rules } = self;
        let default_action = spelled("defaultAction", Some(default_action))?;
        Ok(NetworkRuleSet { default_action, ip_rules: list("ipRules", ip_rules)? })
    }
}

impl Fit<models::IpRule> for IpRule {
    fn fit(&self) -> Fits<models::IpRule> {
        let Self { action, value } = self;
        Ok(models::IpRule { action: word("action", action.as_ref())?, value: required("value", value.clone())? })
    }
}

impl Fit<IpRule> for models::IpRule {
    fn fit(&self) -> Fits<IpRule> {
        let Self { action, value } = self;
        Ok(IpRule { action: spelled("action", action.as_ref())?, value: Some(value.clone()) })
    }
}

impl Fit<models::PrivateEndpointConnection> for PrivateEndpointConnection {
    fn fit(&self) -> Fits<models::PrivateEndpointConnection> {
        // The etag is of vaults only.
        let Self { id, name, kind, etag: _, system_data, properties } = self;
        let proxy_resource = models::ProxyResource {
            id: id.clone(),
            name: name.clone(),
            type_: kind.clone(),
            system_data: part("systemData", system_data.as_ref())?,
        };
        let properties = part("properties", unless_empty(properties))?;
        Ok(models::PrivateEndpointConnection { proxy_resource, properties })
    }
}

impl Fit<PrivateEndpointConnection> for models::PrivateEndpointConnection {
    fn fit(&self) -> Fits<PrivateEndpointConnection> {
        let Self { proxy_resource: models::ProxyResource { id, name, type_, system_data }, properties } = self;
        Ok(PrivateEndpointConnection {
            id: id.clone(),
            name: name.clone(),
            kind: type_.clone(),
            etag: None,
            system_data: part("systemData", system_data.as_ref())?,
            properties: part("properties", properties.as_ref())?.unwrap_or_default(),
        })
    }
}

impl Fit<models::PrivateEndpointConnectionProperties> for PrivateEndpointConnectionProperties {
    fn fit(&self) -> Fits<models::PrivateEndpointConnectionProperties> {
        let Self { private_endpoint, private_link_service_connection_state: state, provisioning_state } = self;
        let private_endpoint = private_endpoint.as_ref().map(|e| models::PrivateEndpoint { id: e.id.clone() });
        Ok(models::PrivateEndpointConnectionProperties {
            private_endpoint,
            private_link_service_connection_state: part("privateLinkServiceConnectionState", state.as_ref())?,
            provisioning_state: word("provisioningState", provisioning_state.as_ref())?,
        })
    }
}

impl Fit<PrivateEndpointConnectionProperties> for models::PrivateEndpointConnectionProperties {
    fn fit(&self) -> Fits<PrivateEndpointConnectionProperties> {
        let Self { private_endpoint, private_link_service_connection_state: state, provisioning_state } = self;
        let private_endpoint = private_endpoint.as_ref().map(|e| PrivateEndpoint { id: e.id.clone() });
        Ok(PrivateEndpointConnectionProperties {
            private_endpoint,
            private_link_service_connection_state: part("privateLinkServiceConnectionState", state.as_ref())?,
            provisioning_state: spelled("provisioningState", provisioning_state.as_ref())?,
        })
    }
}

impl Fit<models::PrivateLinkServiceConnectionState> for PrivateLinkState {
    fn fit(&self) -> Fits<models::PrivateLinkServiceConnectionState> {
        let Self { status, description, actions_required } = self;
        Ok(models::PrivateLinkServiceConnectionState {
            status: word("status", status.as_ref())?,
            description: description.clone(),
            actions_required: word("actionsRequired", actions_required.as_ref())?,
        })
    }
}

impl Fit<PrivateLinkState> for models::PrivateLinkServiceConnectionState {
    fn fit(&self) -> Fits<PrivateLinkState> {
        let Self { status, description, actions_required } = self;
        Ok(PrivateLinkState {
            status: spelled("status", status.as_ref())?,
            description: description.clone(),
            actions_required: spelled("actionsRequired", actions_required.as_ref())?,
        })
    }
}

// ---- policies: one type of ours, and four of theirs that hold less --------------------------------------------------

impl Fit<models::Policies> for Policies {
    fn fit(&self) -> Fits<models::Policies> {
        let Self {
            quarantine_policy,
            trust_policy,
            retention_policy,
            export_policy,
            // Younger than their model.
            azure_ad_authentication_as_arm_policy: _,
        } = self;
        Ok(models::Policies {
            quarantine_policy: part("quarantinePolicy", quarantine_policy.as_ref())?,
            trust_policy: part("trustPolicy", trust_policy.as_ref())?,
            retention_policy: part("retentionPolicy", retention_policy.as_ref())?,
            export_policy: part("exportPolicy", export_policy.as_ref())?,
        })
    }
}

impl Fit<Policies> for models::Policies {
    fn fit(&self) -> Fits<Policies> {
        let Self { quarantine_policy, trust_policy, retention_policy, export_policy } = self;
        Ok(Policies {
            quarantine_policy: part("quarantinePolicy", quarantine_policy.as_ref())?,
            trust_policy: part("trustPolicy", trust_policy.as_ref())?,
            retention_policy: part("retentionPolicy", retention_policy.as_ref())?,
            export_policy: part("exportPolicy", export_policy.as_ref())?,
            azure_ad_authentication_as_arm_policy: None,
        })
    }
}

impl Fit<models::QuarantinePolicy> for Policy {
    fn fit(&self) -> Fits<models::QuarantinePolicy> {
        Ok(models::QuarantinePolicy { status: word("status", self.status.as_ref())? })
    }
}

impl Fit<Policy> for models::QuarantinePolicy {
    fn fit(&self) -> Fits<Policy> {
        let Self { status } = self;
        Ok(Policy { status: spelled("status", status.as_ref())?, ..Policy::default() })
    }
}

impl Fit<models::TrustPolicy> for Policy {
    fn fit(&self) -> Fits<models::TrustPolicy> {
        let status = word("status", self.status.as_ref())?;
        Ok(models::TrustPolicy { type_: word("type", self.kind.as_ref())?, status })
    }
}

impl Fit<Policy> for models::TrustPolicy {
    fn fit(&self) -> Fits<Policy> {
        let Self { type_, status } = self;
        let status = spelled("status", status.as_ref())?;
        Ok(Policy { status, kind: spelled("type", type_.as_ref())?, ..Policy::default() })
    }
}

impl Fit<models::RetentionPolicy> for Policy {
    fn fit(&self) -> Fits<models::RetentionPolicy> {
        let days = self.days.map(i32::try_from).transpose();
        Ok(models::RetentionPolicy {
            days: days.map_err(|e| DoesNotFit::new(e).within("days"))?,
            last_updated_time: part("lastUpdatedTime", self.last_updated_time.as_ref())?,
            status: word("status", self.status.as_ref())?,
        })
    }
}

impl Fit<Policy> for models::RetentionPolicy {
    fn fit(&self) -> Fits<Policy> {
        let Self { days, last_updated_time, status } = self;
        Ok(Policy {
            status: spelled("status", status.as_ref())?,
            days: days.map(i64::from),
            last_updated_time: part("lastUpdatedTime", last_updated_time.as_ref())?,
            kind: None,
        })
    }
}

impl Fit<models::ExportPolicy> for Policy {
    fn fit(&self) -> Fits<models::ExportPolicy> {
        Ok(models::ExportPolicy { status: word("status", self.status.as_ref())? })
    }
}

impl Fit<Policy> for models::ExportPolicy {
    fn fit(&self) -> Fits<Policy> {
        let Self { status } = self;
        Ok(Policy { status: spelled("status", status.as_ref())?, ..Policy::default() })
    }
}
